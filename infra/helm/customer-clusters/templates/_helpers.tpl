{{- define "groups.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "groups.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "groups.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "groups.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ include "groups.name" . }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "groups.image" -}}
{{- $repository := required "image.repository is needed: where `make image PUSH=…` has put the image" .Values.image.repository }}
{{- if .Values.image.digest }}{{ $repository }}@{{ .Values.image.digest }}{{ else }}{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* A value as text: numbers of a YAML file come as floats, 2e+07. */}}
{{- define "groups.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Variables of both the server and the worker. */}}
{{- define "groups.settings" -}}
{{- range $name, $value := merge (dict) .Values.settings .Values.env }}
- name: {{ $name }}
  value: {{ include "groups.text" $value | quote }}
{{- end }}
{{- range $name, $from := .Values.secretSettings }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: {{ $from.secret }}, key: {{ $from.key }}}
{{- end }}
{{- end }}

{{/* Variables of the server alone. */}}
{{- define "groups.access" -}}
- name: WEB_CONCURRENCY
  value: {{ .Values.processes | quote }}
- name: FORWARDED_ALLOW_IPS
  value: {{ .Values.trustedProxies | quote }}
{{- if .Values.apiKeys.existingSecret }}
- name: CUSTOMER_CLUSTERS_API_KEYS
  valueFrom:
    secretKeyRef: {name: {{ .Values.apiKeys.existingSecret }}, key: {{ .Values.apiKeys.key }}}
{{- else if not .Values.apiKeys.openToAll }}
{{- fail "apiKeys.existingSecret is needed, a Secret with hashes of API keys; or say apiKeys.openToAll=true" }}
{{- end }}
{{- end }}

{{- define "groups.containerSecurity" -}}
runAsNonRoot: true
{{- with .Values.user }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
{{- end }}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "groups.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.user }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "groups.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "groups.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The container that answers, but for what Knative decides itself. */}}
{{- define "groups.server" -}}
image: {{ include "groups.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "groups.containerSecurity" . | nindent 2 }}
readinessProbe:
  httpGet: {path: /health/ready, port: 8000}
  periodSeconds: 5
  timeoutSeconds: 5
livenessProbe:
  httpGet: {path: /health/live, port: 8000}
  periodSeconds: 10
  timeoutSeconds: 5
volumeMounts:
  {{- include "groups.mounts" . | nindent 2 }}
{{- end }}
