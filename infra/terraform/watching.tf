# Who is told of runs and candidates, and which alarms ring: docs/operate.md says what each means.

resource "aws_cloudwatch_event_bus" "notices" {
  name = local.name
  tags = local.tags
}

# Not encrypted with a key of AWS's: what is sent are names of files and counts, nothing of a customer.
resource "aws_sns_topic" "notices" {
  name              = "${local.name}-notices"
  kms_master_key_id = var.kms_key
  tags              = local.tags
}

resource "aws_sns_topic_subscription" "notices" {
  count         = var.notice_email == null ? 0 : 1
  topic_arn     = aws_sns_topic.notices.arn
  protocol      = "email"
  endpoint      = var.notice_email
  filter_policy = jsonencode(local.facts.notices)
}

# Not encrypted with alias/aws/sns: CloudWatch may not use that key, and no alarm would arrive.
resource "aws_sns_topic" "alarms" {
  count             = var.alarm_topic == null ? 1 : 0
  name              = "${local.name}-alarms"
  kms_master_key_id = var.kms_key
  tags              = local.tags
}

resource "aws_sns_topic_subscription" "alarms" {
  count     = var.alarm_email == null ? 0 : 1
  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  alarm_topic = var.alarm_topic == null ? aws_sns_topic.alarms[0].arn : var.alarm_topic
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each            = local.facts.alarms
  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.AlarmDescription
  namespace           = try(each.value.Namespace, null)
  metric_name         = try(each.value.MetricName, null)
  dimensions          = length(each.value.Queries) > 0 ? null : { for name, of in each.value.Dimensions : name => local.watched[of[0]][of[1]] }
  statistic           = try(each.value.Statistic, null)
  extended_statistic  = try(each.value.ExtendedStatistic, null)
  period              = try(each.value.Period, null)
  evaluation_periods  = each.value.EvaluationPeriods
  threshold           = each.key == "RejectedShareAlarm" ? var.rejected_share : each.value.Threshold
  comparison_operator = each.value.ComparisonOperator
  treat_missing_data  = each.value.TreatMissingData
  alarm_actions       = [local.alarm_topic]
  ok_actions          = [local.alarm_topic]
  tags                = local.tags

  dynamic "metric_query" {
    for_each = each.value.Queries
    content {
      id          = metric_query.value.Id
      expression  = try(metric_query.value.Expression, null)
      return_data = can(metric_query.value.Expression)
      dynamic "metric" {
        for_each = can(metric_query.value.Expression) ? [] : [metric_query.value]
        content {
          namespace   = metric.value.Namespace
          metric_name = metric.value.MetricName
          dimensions  = { for name, of in metric.value.Dimensions : name => local.watched[of[0]][of[1]] }
          stat        = metric.value.Stat
          period      = metric.value.Period
        }
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  dashboard_name = local.name
  dashboard_body = templatefile("${path.module}/template/dashboard.json", local.watched)
}
