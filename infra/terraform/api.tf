# The HTTP API in front of the look-ups: a flood costs answers with 429, not money.

resource "aws_cloudwatch_log_group" "http" {
  name              = "/aws/http-api/${local.name}"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key
  tags              = local.tags
}

resource "aws_apigatewayv2_api" "http" {
  name          = local.name
  protocol_type = "HTTP"
  tags          = local.tags
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.http.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.api.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

# Who may ask is decided by the function, by its keys and tokens: it lets nobody pass whom it does not know.
resource "aws_apigatewayv2_route" "default" {
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.api.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  auto_deploy = true
  tags        = local.tags
  default_route_settings {
    throttling_burst_limit = var.api_burst
    throttling_rate_limit  = var.api_requests_per_second
  }
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.http.arn
    format          = var.log_addresses ? "${trimsuffix(local.facts.access_log, "}")},\"address\":\"$context.identity.sourceIp\"}" : local.facts.access_log
  }
}

resource "aws_lambda_permission" "http" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function["Api"].function_name
  qualifier     = aws_lambda_alias.api.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/*"
}
