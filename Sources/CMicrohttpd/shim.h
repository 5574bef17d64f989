#pragma once
// libmicrohttpd 0.9.75: the HTTP server. Imported by Web alone.
#include <microhttpd.h>

// MHD_get_connection_info is variadic, and Swift imports no variadic function. The extra arguments are for TLS only.
// NULL when the address is not known. The result belongs to the connection.
static inline const struct sockaddr *netdrift_mhd_client_address(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : (const struct sockaddr *) 0;
}

// The same, for the connection's socket: -1 when there is none.
static inline int netdrift_mhd_client_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

// The same, for the daemon that has the connection: its address, to tell daemons apart.
static inline const void *netdrift_mhd_daemon(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON);
    return info ? info->daemon : NULL;
}

// The same, for the TLS session, a gnutls_session_t: NULL where the daemon speaks no TLS.
static inline void *netdrift_mhd_tls_session(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? info->tls_session : (void *) 0;
}

// The same, for the size of the header of the request: bytes from the method to the end of the empty line.
static inline size_t netdrift_mhd_header_size(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}
