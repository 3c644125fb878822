# Three functions of two images, each with a log and a role of its own.

locals {
  images = { Api = var.image, Batch = var.image, Retrain = var.train_image }

  # What a variable says in place of the template's default, for the functions that have it.
  given = {
    CUSTOMER_CLUSTERS_API_KEYS              = data.aws_ssm_parameter.api_keys.insecure_value
    CUSTOMER_CLUSTERS_CHALLENGER            = var.challenger
    CUSTOMER_CLUSTERS_CHALLENGER_SHARE      = tostring(var.challenger_share)
    CUSTOMER_CLUSTERS_CORS_ORIGINS          = join(",", var.cors_origins)
    CUSTOMER_CLUSTERS_INDEX_KEY             = var.index_key
    CUSTOMER_CLUSTERS_JWT_AUDIENCE          = var.jwt_audience
    CUSTOMER_CLUSTERS_JWT_ISSUER            = var.jwt_issuer
    CUSTOMER_CLUSTERS_JWT_KEYS              = var.jwt_keys
    CUSTOMER_CLUSTERS_MAX_INPUT_BYTES       = tostring(var.max_input_bytes)
    CUSTOMER_CLUSTERS_MAX_TRAINING_BYTES    = tostring(var.max_training_bytes)
    CUSTOMER_CLUSTERS_MODELS                = join(",", [for name, address in var.models : "${name}=${address}"])
    CUSTOMER_CLUSTERS_NOTIFY                = var.notify
    CUSTOMER_CLUSTERS_NOTIFY_REJECTED_SHARE = tostring(var.rejected_share)
    CUSTOMER_CLUSTERS_PUBLIC_URL            = var.public_url
    CUSTOMER_CLUSTERS_TRAINING_DATA         = "s3://${local.stores.ModelBucket.Ref}/${var.training_data}"
    OTEL_EXPORTER_OTLP_ENDPOINT             = var.otlp_endpoint
  }
  variables = {
    for function in keys(local.images) : function => {
      for name, value in jsondecode(templatefile("${path.module}/template/environment/${function}.json", local.stores)) :
      name => lookup(local.given, name, value)
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.images
  name              = "/aws/lambda/${local.name}-${lower(each.key)}"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key
  tags              = local.tags
}

resource "aws_iam_role" "function" {
  for_each             = local.images
  name_prefix          = "${local.name}-${lower(each.key)}-"
  permissions_boundary = var.permissions_boundary
  tags                 = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.images
  name     = lower(each.key)
  role     = aws_iam_role.function[each.key].id
  policy   = templatefile("${path.module}/template/policies/${each.key}.json", local.stores)
}

resource "aws_iam_role_policy" "key" {
  for_each = var.kms_key == null ? {} : local.images
  name     = "key"
  role     = aws_iam_role.function[each.key].id
  policy   = templatefile("${path.module}/template/policies/KeyPolicy.json", local.stores)
}

# Network interfaces have no resource to name: the policy is AWS's own.
resource "aws_iam_role_policy_attachment" "network" {
  for_each   = length(var.subnet_ids) == 0 ? {} : local.images
  role       = aws_iam_role.function[each.key].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaENIManagementAccess"
}

resource "aws_lambda_function" "function" {
  for_each      = local.images
  function_name = "${local.name}-${lower(each.key)}"
  description   = local.facts.functions[each.key].description
  role          = aws_iam_role.function[each.key].arn
  package_type  = "Image"
  image_uri     = each.value
  architectures = [var.architecture]
  memory_size   = local.facts.functions[each.key].memory
  timeout       = local.facts.functions[each.key].timeout
  publish       = each.key == "Api"
  kms_key_arn   = var.kms_key
  tags          = local.tags

  image_config {
    command = local.facts.functions[each.key].command
  }
  ephemeral_storage {
    size = local.facts.functions[each.key].disk
  }
  environment {
    variables = local.variables[each.key]
  }
  dynamic "snap_start" {
    for_each = each.key == "Api" && var.snap_start ? ["PublishedVersions"] : []
    content {
      apply_on = snap_start.value
    }
  }
  dynamic "vpc_config" {
    for_each = length(var.subnet_ids) == 0 ? [] : [var.subnet_ids]
    content {
      subnet_ids         = vpc_config.value
      security_group_ids = var.security_group_ids
    }
  }
  depends_on = [
    aws_cloudwatch_log_group.function,
    aws_iam_role_policy.function,
    aws_iam_role_policy.key,
    aws_iam_role_policy_attachment.network,
  ]
}

# What callers reach: a published version, which may have a snapshot.
resource "aws_lambda_alias" "api" {
  name             = "live"
  function_name    = aws_lambda_function.function["Api"].function_name
  function_version = aws_lambda_function.function["Api"].version
}

resource "aws_lambda_event_source_mapping" "dropped" {
  event_source_arn        = aws_sqs_queue.dropped.arn
  function_name           = aws_lambda_function.function["Batch"].arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = var.batch_concurrency
  }
}

resource "aws_lambda_function_event_invoke_config" "retrain" {
  function_name          = aws_lambda_function.function["Retrain"].function_name
  maximum_retry_attempts = 2
}

# The API is asked once a week, for Lambda gives up a snapshot that nobody asked for in fourteen days.
resource "aws_cloudwatch_event_rule" "schedule" {
  for_each            = local.facts.schedules
  name                = "${local.name}-${lower(each.key)}"
  schedule_expression = each.key == "Retrain1" ? var.retrain_schedule : each.value.expression
  state               = each.value.function == "Retrain" && !var.retrain_enabled ? "DISABLED" : "ENABLED"
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.facts.schedules
  rule     = aws_cloudwatch_event_rule.schedule[each.key].name
  arn      = each.value.function == "Api" ? aws_lambda_alias.api.arn : aws_lambda_function.function[each.value.function].arn
  input    = each.value.input
}

resource "aws_lambda_permission" "schedule" {
  for_each      = local.facts.schedules
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function[each.value.function].function_name
  qualifier     = each.value.function == "Api" ? aws_lambda_alias.api.name : null
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}
