internal import Agent
internal import Foundation
internal import NetnsCore

/// Files that container runtimes, administrators and containers write.
extension FuzzTarget {
    static let files: [FuzzTarget] = [
        FuzzTarget(
            "container-json",
            texts: [
                """
                {"linux":{"sysctl":{"net.ipv4.tcp_keepalive_time":"600"},"namespaces":[{"type":"network","path":"/run/netns/a"}]},
                "annotations":{"io.kubernetes.cri.sandbox-name":"web","io.kubernetes.cri.sandbox-namespace":"prod"}}
                """,
                """
                {"id":"a","init_process_pid":42,"init_process_start":"693752862","created":"2024-01-02T03:04:05.678Z",
                "config":{"labels":["bundle=/b","a=b"],"sysctl":{"net/ipv4/conf/eth0.1/rp_filter":"1"},"namespaces":[{"type":"NEWNET"}]}}
                """,
                #"{"pid":42,"process-start-time":693752862,"created":"2024-01-02T03:04:05Z"}"#,
                #"{"Name":"/web","Created":"2024-01-02T03:04:05+01:00","State":{"Pid":42},"Config":{"Labels":{"a":"b"}}}"#,
                #"[{"id":"a","names":["web"],"created":"2024-01-02T03:04:05Z","metadata":"{\"name\":\"web\"}"}]"#,
                #"{"name":"k8s_POD_web_prod_0","pod-name":"web"}"#,
            ]
        ) { bytes in
            let data = Data(bytes.array)
            let decoder = JSONDecoder()
            _ = try? decoder.decode(OCISpec.self, from: data)
            _ = try? decoder.decode(RuncState.self, from: data)
            _ = try? decoder.decode(CrunStatus.self, from: data)
            _ = try? decoder.decode(DockerConfig.self, from: data)
            _ = try? decoder.decode([Lenient<StorageContainer>].self, from: data)
            _ = try? decoder.decode(StorageContainer.Metadata.self, from: data)
        },
        FuzzTarget(
            "configuration",
            texts: [
                """
                namespaces: { include: ["*"], exclude: ["lab-*"] }
                sysctls: [ "net.ipv4.tcp_keepalive_*", net.core.somaxconn ]
                expectations:
                  - rule: keepalive
                    namespaces: { name: "*", origin: process, pod_namespace: "prod-*" }
                    severity: warning
                    sysctls:
                      net.core.somaxconn: ">= 4096"
                      net.ipv4.tcp_congestion_control: { one_of: [bbr, cubic] }
                      net.ipv4.tcp_rmem: [4096, 131072, ">= 6291456"]
                      net.ipv4.tcp_fin_timeout: { same_as: host }
                      net.ipv4.conf.*.rp_filter: { not: 0 }
                """,
                """
                a: &a [x, *b]
                probes:
                  - { name: gateway, kind: icmp, target: gateway, interval: 5s, timeout: 1s }
                  - { name: dns, kind: dns, target: resolver, query: kubernetes.default.svc. }
                """,
            ]
        ) { _ = ConfigurationFile.mistakes(in: $0.array) },
        FuzzTarget(
            "web-config",
            texts: [
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: c\n",
                "tls_server_config:\n  cert: |\n    A\n  key: |\n    B\n  min_version: TLS13\n  cipher_suites: [X]\n",
                "basic_auth_users: { u: $2y$10$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }\nhttp_server_config: { http2: true }\n",
            ]
        ) { _ = WebConfigurationFile.mistakes(in: $0.array) },
        FuzzTarget(
            "saved-state",
            texts: [
                "version: 1\nnamespaces:\n  \"host\":\n    \"net.core.somaxconn\": \"4096\"\n    \"net.ipv4.tcp_rmem\": \"1\\x092\"\n"
            ]
        ) { _ = ConfigurationFile.mistakes(inSavedState: $0.array) },
        FuzzTarget(
            "resolv-conf",
            texts: [
                "# c\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nsearch a.example b.example\noptions ndots:2 timeout:1 attempts:3\n",
                "domain example.org\nnameserver 2001:db8::1\n; c\noptions rotate\n",
            ]
        ) { bytes in
            let file = ResolvConf(decoding: bytes)
            precondition(file.names(for: "api").count <= 32)
        },
        FuzzTarget("hosts", texts: ["127.0.0.1 localhost\n192.0.2.1 api.example api # c\n2001:db8::1 api\n"]) {
            _ = HostsFile.addresses(of: "api", in: $0)
        },
    ]
}
