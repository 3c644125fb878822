# `terraform test`: no account and no credentials are needed, for the provider is mocked.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/customer-clusters@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  train_image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/customer-clusters-train@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "without_rules_of_an_account" {
  command = plan
  assert {
    condition     = length(aws_s3_bucket_logging.bucket) == 0 && length(aws_iam_role_policy.key) == 0 && length(aws_iam_role_policy_attachment.network) == 0
    error_message = "What nobody asked for is made."
  }
  assert {
    condition     = length(aws_lambda_function.function["Api"].snap_start) == 1 && length(aws_lambda_function.function["Batch"].snap_start) == 0
    error_message = "The API function has a snapshot, and it alone."
  }
  assert {
    condition     = length(aws_sns_topic.alarms) == 1 && length(aws_sns_topic_subscription.alarms) == 0
    error_message = "A topic is made, and nobody gets its mail."
  }
}

run "with_rules_of_an_account" {
  command = plan
  variables {
    kms_key              = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    subnet_ids           = ["subnet-0a0a0a0a"]
    security_group_ids   = ["sg-0a0a0a0a"]
    access_log_bucket    = "logs"
    alarm_topic          = "arn:aws:sns:eu-central-1:123456789012:on-call"
    snap_start           = false
    input_days           = 30
    retrain_enabled      = true
    log_addresses        = true
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.function : role.permissions_boundary == var.permissions_boundary])
    error_message = "Every role is bounded."
  }
  assert {
    condition     = alltrue([for function in aws_lambda_function.function : function.kms_key_arn == var.kms_key && length(function.vpc_config) == 1])
    error_message = "Every function has the key, and is in the VPC."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.alarm : alarm.alarm_actions == toset([var.alarm_topic])]) && length(aws_sns_topic.alarms) == 0
    error_message = "Every alarm tells the topic that is there, and no other is made."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.bucket["InputBucket"].rule[1].expiration[0].days == 30
    error_message = "Days are those that were given."
  }
  assert {
    condition     = length(aws_lambda_function.function["Api"].snap_start) == 0 && aws_cloudwatch_event_rule.schedule["Retrain1"].state == "ENABLED"
    error_message = "Switches switch."
  }
  assert {
    condition     = jsondecode(aws_apigatewayv2_stage.default.access_log_settings[0].format).address == "$context.identity.sourceIp"
    error_message = "The access log has the addresses."
  }
}

run "refuses_what_cannot_be_meant" {
  command = plan
  variables {
    image              = "customer-clusters:latest"
    stage              = "a-long-name"
    architecture       = "arm"
    batch_concurrency  = 1
    rejected_share     = 2
    notify             = "some"
    training_data      = "customers.csv"
    kms_key            = "alias/ours"
    security_group_ids = ["sg-0a0a0a0a"]
    alarm_email        = "on-call@bank.example"
    alarm_topic        = "arn:aws:sns:eu-central-1:123456789012:on-call"
    retrain_schedule   = "monthly"
    cors_origins       = ["https://app.example/path"]
    jwt_keys           = "http://issuer.example/keys"
  }
  expect_failures = [
    var.image, var.stage, var.architecture, var.batch_concurrency, var.rejected_share, var.notify, var.training_data, var.kms_key,
    var.security_group_ids, var.alarm_topic, var.retrain_schedule, var.cors_origins, var.jwt_keys,
  ]
}

run "refuses_a_name_that_no_bucket_may_have" {
  command = plan
  variables {
    name = "Customer.Clusters"
  }
  expect_failures = [var.name]
}
