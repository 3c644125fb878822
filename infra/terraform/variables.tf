# The names are those of serverless.yml's parameters, in Terraform's spelling; so are the values, which are those of the stage prod.

variable "image" {
  description = "The image that answers and scores, in ECR and by digest: make image PUSH=…"
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image is named by its digest, …@sha256:…, so that what runs is what was tested."
  }
}

variable "train_image" {
  description = "The same code with the training stack, in ECR and by digest: make image PART=train PUSH=…"
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.train_image))
    error_message = "An image is named by its digest, …@sha256:…, so that what runs is what was tested."
  }
}

variable "name" {
  description = "What every resource is called, before the stage."
  type        = string
  default     = "customer-clusters"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "2 to 20 small letters, digits and hyphens: names of buckets begin with it, and have no dots."
  }
}

variable "stage" {
  description = "Which of several deployments this is; it is part of every name."
  type        = string
  default     = "prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,9}$", var.stage))
    error_message = "1 to 10 small letters, digits and hyphens: names of buckets contain it."
  }
  validation {
    condition     = length(var.name) + length(var.stage) <= 26
    error_message = "Name and stage together have 26 characters at most: names of buckets and roles begin with them."
  }
}

variable "tags" {
  description = "Tags of every resource, beside service and stage."
  type        = map(string)
  default     = {}
}

variable "architecture" {
  description = "x86_64, or arm64 of images that are built with PLATFORM=linux/arm64."
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "x86_64 or arm64."
  }
}

variable "api_keys_parameter" {
  description = "The name of the parameter in Parameter Store that holds entries of the API keys, or their SHA-256; null: /NAME/STAGE/api-key-hashes. It has to be there first."
  type        = string
  default     = null
}

variable "jwt_issuer" {
  description = "Whose signed tokens the function takes beside keys; empty: nobody's."
  type        = string
  default     = ""
}

variable "jwt_audience" {
  description = "For whom those tokens have to be."
  type        = string
  default     = ""
}

variable "jwt_keys" {
  description = "The address of the issuer's keys."
  type        = string
  default     = ""
  validation {
    condition     = var.jwt_keys == "" || startswith(var.jwt_keys, "https://")
    error_message = "An address that begins with https://."
  }
}

variable "cors_origins" {
  description = "Pages of other sites whose scripts may ask."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/]+$", origin))])
    error_message = "Origins such as https://app.example, without a path."
  }
}

variable "public_url" {
  description = "Where people reach the API, by a domain or a proxy of yours, such as https://clusters.bank.example/base; empty: as they ask."
  type        = string
  default     = ""
  validation {
    condition     = var.public_url == "" || startswith(var.public_url, "https://")
    error_message = "An address that begins with https://."
  }
}

variable "api_requests_per_second" {
  description = "More requests are answered with 429 and cost nothing further."
  type        = number
  default     = 100
}

variable "api_burst" {
  description = "So many requests may come at once."
  type        = number
  default     = 200
}

variable "snap_start" {
  description = "Whether the API starts from a snapshot, which has a fee."
  type        = bool
  default     = true
}

variable "batch_concurrency" {
  description = "So many files are scored at once."
  type        = number
  default     = 10
  validation {
    condition     = var.batch_concurrency >= 2 && var.batch_concurrency <= 1000
    error_message = "2 to 1000: what Lambda takes for a queue."
  }
}

variable "max_input_bytes" {
  description = "A larger file is refused; the batch function's disk must hold it and its results."
  type        = number
  default     = 2000000000
}

variable "rejected_share" {
  description = "A larger share of rejected rows needs attention, and raises an alarm."
  type        = number
  default     = 0.05
  validation {
    condition     = var.rejected_share >= 0 && var.rejected_share <= 1
    error_message = "A share, from 0 to 1."
  }
}

variable "models" {
  description = "More models beside that of the model bucket: name → s3://BUCKET/models/NAME#alias."
  type        = map(string)
  default     = {}
}

variable "challenger" {
  description = "The alias or version of a second model that answers a share of the look-ups."
  type        = string
  default     = ""
}

variable "challenger_share" {
  description = "Which share of the look-ups."
  type        = number
  default     = 0
  validation {
    condition     = var.challenger_share >= 0 && var.challenger_share <= 1
    error_message = "A share, from 0 to 1."
  }
}

variable "index_key" {
  description = "A secret text by which /v1/customers/ID finds customers; it is in the state, and whoever may read the functions' configuration sees it."
  type        = string
  default     = ""
  sensitive   = true
}

variable "retrain_enabled" {
  description = "Whether the schedule of retraining runs."
  type        = bool
  default     = false
}

variable "retrain_schedule" {
  description = "When."
  type        = string
  default     = "rate(30 days)"
  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.retrain_schedule))
    error_message = "rate(…) or cron(…), as EventBridge takes it."
  }
}

variable "training_data" {
  description = "The key of the training customers in the model bucket."
  type        = string
  default     = "training/customers.csv"
  validation {
    condition     = startswith(var.training_data, "training/")
    error_message = "Below training/: the function may read nothing else."
  }
}

variable "max_training_bytes" {
  description = "More is refused: a function has fifteen minutes."
  type        = number
  default     = 20000000
}

variable "notify" {
  description = "What is told of runs: all, or those alone that need attention."
  type        = string
  default     = "all"
  validation {
    condition     = contains(["all", "attention"], var.notify)
    error_message = "all or attention."
  }
}

variable "notice_email" {
  description = "Gets a mail of every run that needs somebody, once its owner has confirmed; null: nobody."
  type        = string
  default     = null
}

variable "alarm_email" {
  description = "Gets a mail from every alarm, once its owner has confirmed; null: nobody."
  type        = string
  default     = null
}

variable "alarm_topic" {
  description = "A topic of yours that every alarm tells, in place of one that is made; CloudWatch has to be allowed to publish to it."
  type        = string
  default     = null
  validation {
    condition     = var.alarm_topic == null || var.alarm_email == null
    error_message = "Subscribe the address to your topic yourself: alarm_email is for the topic that is made."
  }
}

variable "log_retention_in_days" {
  description = "Of all logs."
  type        = number
  default     = 180
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_in_days)
    error_message = "One of the numbers of days that CloudWatch Logs takes, such as 30, 90, 180 or 365."
  }
}

variable "log_addresses" {
  description = "Whether the HTTP API's access log has the addresses of clients."
  type        = bool
  default     = false
}

variable "input_days" {
  description = "Dropped files are deleted after so many days."
  type        = number
  default     = 90
}

variable "result_days" {
  description = "Results are deleted after so many days."
  type        = number
  default     = 365
}

variable "training_days" {
  description = "Training customers are deleted after so many days."
  type        = number
  default     = 365
}

variable "otlp_endpoint" {
  description = "Where a collector of OpenTelemetry takes traces and metrics, which the image of PART=otel sends; empty: nothing is sent."
  type        = string
  default     = ""
}

variable "force_destroy" {
  description = "Whether terraform destroy deletes buckets with all that is in them; false: it stops at a bucket that is not empty."
  type        = bool
  default     = false
}

variable "access_log_bucket" {
  description = "A bucket of yours in which S3 writes who asked for what, below NAME-STAGE/; null: nowhere."
  type        = string
  default     = null
}

variable "kms_key" {
  description = "The ARN of a key of yours that encrypts buckets, queues, topics and logs; its own policy has to let the services in. null: keys that AWS keeps."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/", var.kms_key))
    error_message = "The ARN of a key, arn:aws:kms:…:key/…, not of its alias."
  }
}

variable "permissions_boundary" {
  description = "The ARN of the policy that bounds every role; null: none."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Subnets of the VPC that the functions run in; none: outside of any."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the functions there."
  type        = list(string)
  default     = []
  validation {
    condition     = (length(var.security_group_ids) == 0) == (length(var.subnet_ids) == 0)
    error_message = "Subnets and security groups go together: give both, or none."
  }
}
