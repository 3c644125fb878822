# What tells the batch function of dropped files; what fails for good is kept for fourteen days.

resource "aws_sqs_queue" "failed" {
  name                      = "${local.name}-failed"
  message_retention_seconds = local.facts.queues.FailedQueue.retention
  sqs_managed_sse_enabled   = var.kms_key == null ? true : null
  kms_master_key_id         = var.kms_key
  tags                      = local.tags
}

resource "aws_sqs_queue" "dropped" {
  name                       = "${local.name}-dropped"
  visibility_timeout_seconds = local.facts.queues.DroppedQueue.visibility_timeout
  message_retention_seconds  = local.facts.queues.DroppedQueue.retention
  sqs_managed_sse_enabled    = var.kms_key == null ? true : null
  kms_master_key_id          = var.kms_key
  tags                       = local.tags
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = local.facts.queues.DroppedQueue.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "failed" {
  queue_url            = aws_sqs_queue.failed.url
  redrive_allow_policy = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.dropped.arn] })
}

resource "aws_sqs_queue_policy" "dropped" {
  queue_url = aws_sqs_queue.dropped.url
  policy    = templatefile("${path.module}/template/policies/DroppedQueuePolicy.json", local.stores)
}
