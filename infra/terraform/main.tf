# What roles may do, when alarms ring, how long queues wait and buckets keep stands in template/, which
# `make terraform` writes from the CloudFormation template: one place says it. The wiring is here.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# Entries of API keys hold hashes and no key: they may be seen in a plan.
data "aws_ssm_parameter" "api_keys" {
  name = coalesce(var.api_keys_parameter, "/${var.name}/${var.stage}/api-key-hashes")
}

locals {
  facts = jsondecode(file("${path.module}/template/facts.json"))
  name  = "${var.name}-${var.stage}"
  tags  = merge(var.tags, { service = var.name, stage = var.stage })

  # What the files of template/ call the resources that functions know, and roles have rights to.
  stores = {
    AWS = {
      AccountId = data.aws_caller_identity.current.account_id
      Partition = data.aws_partition.current.partition
      Region    = data.aws_region.current.region
    }
    InputBucket     = { Ref = aws_s3_bucket.bucket["InputBucket"].id, Arn = aws_s3_bucket.bucket["InputBucket"].arn }
    OutputBucket    = { Ref = aws_s3_bucket.bucket["OutputBucket"].id, Arn = aws_s3_bucket.bucket["OutputBucket"].arn }
    ModelBucket     = { Ref = aws_s3_bucket.bucket["ModelBucket"].id, Arn = aws_s3_bucket.bucket["ModelBucket"].arn }
    DroppedQueue    = { Ref = aws_sqs_queue.dropped.url, Arn = aws_sqs_queue.dropped.arn, QueueName = aws_sqs_queue.dropped.name }
    FailedQueue     = { Ref = aws_sqs_queue.failed.url, Arn = aws_sqs_queue.failed.arn, QueueName = aws_sqs_queue.failed.name }
    NoticeBus       = { Ref = aws_cloudwatch_event_bus.notices.name, Arn = aws_cloudwatch_event_bus.notices.arn }
    NoticeTopic     = { Ref = aws_sns_topic.notices.arn, TopicArn = aws_sns_topic.notices.arn }
    ApiLogGroup     = { Ref = aws_cloudwatch_log_group.function["Api"].name, Arn = "${aws_cloudwatch_log_group.function["Api"].arn}:*" }
    BatchLogGroup   = { Ref = aws_cloudwatch_log_group.function["Batch"].name, Arn = "${aws_cloudwatch_log_group.function["Batch"].arn}:*" }
    RetrainLogGroup = { Ref = aws_cloudwatch_log_group.function["Retrain"].name, Arn = "${aws_cloudwatch_log_group.function["Retrain"].arn}:*" }
    KmsKey          = { Ref = var.kms_key == null ? "" : var.kms_key }
  }

  # Those that alarms and the dashboard watch, too.
  watched = merge(local.stores, {
    ApiLambdaFunction     = { Ref = aws_lambda_function.function["Api"].function_name }
    BatchLambdaFunction   = { Ref = aws_lambda_function.function["Batch"].function_name }
    RetrainLambdaFunction = { Ref = aws_lambda_function.function["Retrain"].function_name }
    HttpApi               = { Ref = aws_apigatewayv2_api.http.id }
  })
}
