#pragma once
// GnuTLS 3.7: what libmicrohttpd speaks TLS with, and its hashes. Imported by Web alone.
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

