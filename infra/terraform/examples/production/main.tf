# An account with rules: a VPC, a key, a boundary and a topic of its own. Without the last five it runs as well.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

module "customer_clusters" {
  source = "../.."

  image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/customer-clusters@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  train_image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/customer-clusters-train@sha256:0000000000000000000000000000000000000000000000000000000000000000"

  kms_key              = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
  subnet_ids           = ["subnet-0a0a0a0a", "subnet-0b0b0b0b"]
  security_group_ids   = ["sg-0a0a0a0a"]
  alarm_topic          = "arn:aws:sns:eu-central-1:123456789012:on-call"
}

output "http_api_url" {
  description = "Where look-ups are asked."
  value       = module.customer_clusters.http_api_url
}
