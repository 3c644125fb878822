output "http_api_url" {
  description = "The address of the HTTP API."
  value       = aws_apigatewayv2_api.http.api_endpoint
}

output "input_address" {
  description = "Drop files here."
  value       = "s3://${aws_s3_bucket.bucket["InputBucket"].id}/incoming/"
}

output "output_address" {
  description = "Results appear here."
  value       = "s3://${aws_s3_bucket.bucket["OutputBucket"].id}/results/"
}

output "model_address" {
  description = "The model store (CUSTOMER_CLUSTERS_STORE)."
  value       = "s3://${aws_s3_bucket.bucket["ModelBucket"].id}/models"
}

output "failed_queue_arn" {
  description = "Messages that failed five times; redrive them when the cause is gone."
  value       = aws_sqs_queue.failed.arn
}

output "alarm_topic_arn" {
  description = "What every alarm tells."
  value       = local.alarm_topic
}

output "notice_bus_arn" {
  description = "Events about runs and candidates; rules match source customer-clusters."
  value       = aws_cloudwatch_event_bus.notices.arn
}

output "notice_topic_arn" {
  description = "Notices about runs and candidates."
  value       = aws_sns_topic.notices.arn
}

output "role_arns" {
  description = "The role of each function, by its name."
  value       = { for name, role in aws_iam_role.function : name => role.arn }
}

output "images" {
  description = "What runs, by digest; older ones roll back."
  value       = { image = var.image, train_image = var.train_image }
}
