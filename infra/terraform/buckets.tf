# Where files are dropped, where results go, and where the models are. Private, encrypted, TLS only.

locals {
  buckets = { InputBucket = "input", OutputBucket = "results", ModelBucket = "models" }

  # What a variable says in place of the template, by the id of the rule.
  days = {
    forget-inputs             = var.input_days
    forget-results            = var.result_days
    forget-training-customers = var.training_days
  }
}

resource "aws_s3_bucket" "bucket" {
  for_each      = local.buckets
  bucket_prefix = "${local.name}-${each.value}-"
  force_destroy = var.force_destroy
  tags          = local.tags
}

resource "aws_s3_bucket_server_side_encryption_configuration" "bucket" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.bucket[each.key].id
  rule {
    bucket_key_enabled = var.kms_key == null ? null : true
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key
    }
  }
}

resource "aws_s3_bucket_public_access_block" "bucket" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.bucket[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "bucket" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.bucket[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "bucket" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.bucket[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "bucket" {
  for_each      = var.access_log_bucket == null ? {} : local.buckets
  bucket        = aws_s3_bucket.bucket[each.key].id
  target_bucket = var.access_log_bucket
  target_prefix = "${local.name}/${each.value}/"
}

resource "aws_s3_bucket_lifecycle_configuration" "bucket" {
  for_each   = local.buckets
  bucket     = aws_s3_bucket.bucket[each.key].id
  depends_on = [aws_s3_bucket_versioning.bucket]

  dynamic "rule" {
    for_each = local.facts.buckets[each.key]
    content {
      id     = rule.value.id
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      dynamic "expiration" {
        for_each = rule.value.days == null ? [] : [lookup(local.days, rule.value.id, rule.value.days)]
        content {
          days = expiration.value
        }
      }
      dynamic "noncurrent_version_expiration" {
        for_each = rule.value.noncurrent_days == null ? [] : [rule.value.noncurrent_days]
        content {
          noncurrent_days = noncurrent_version_expiration.value
        }
      }
      dynamic "abort_incomplete_multipart_upload" {
        for_each = rule.value.abort_days == null ? [] : [rule.value.abort_days]
        content {
          days_after_initiation = abort_incomplete_multipart_upload.value
        }
      }
    }
  }
}

resource "aws_s3_bucket_policy" "bucket" {
  for_each   = local.buckets
  bucket     = aws_s3_bucket.bucket[each.key].id
  policy     = templatefile("${path.module}/template/policies/${each.key}Policy.json", local.stores)
  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

# S3 asks the queue whether it may write there: the queue's policy comes first.
resource "aws_s3_bucket_notification" "dropped" {
  bucket     = aws_s3_bucket.bucket["InputBucket"].id
  depends_on = [aws_sqs_queue_policy.dropped]
  queue {
    queue_arn     = aws_sqs_queue.dropped.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "incoming/"
  }
}
