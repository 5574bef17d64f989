{{- define "netdrift.fullname" -}}
{{- $full := ternary .Release.Name (printf "%s-netdrift" .Release.Name) (contains "netdrift" .Release.Name) -}}
{{- /* Room for what the dashboards' names end in. */ -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* The name becomes the job, which the rules and dashboards know. */ -}}
{{- define "netdrift.selectorLabels" -}}
app.kubernetes.io/name: netdrift
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "netdrift.labels" -}}
{{ include "netdrift.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "netdrift.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "netdrift.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "netdrift.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "netdrift.capabilities" -}}
{{- if eq .Values.profile "bpf" -}}
[BPF, PERFMON]
{{- else if eq .Values.profile "portable" -}}
[SYS_ADMIN, SYS_PTRACE, NET_ADMIN, NET_RAW, DAC_READ_SEARCH]
{{- else -}}
[SYS_ADMIN, SYS_PTRACE, NET_ADMIN, NET_RAW, DAC_READ_SEARCH, BPF, PERFMON]
{{- end -}}
{{- end -}}

{{- /* With passwords or a client's certificate asked for, a port that can be connected to has to do. */ -}}
{{- define "netdrift.probe" -}}
{{- if .root.Values.webConfig.secretName -}}
tcpSocket: { port: metrics, host: 127.0.0.1 }
{{- else -}}
httpGet: { path: {{ .path }}, port: metrics, host: 127.0.0.1 }
{{- end -}}
{{- end -}}
