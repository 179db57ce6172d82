"""Which services have service-linked roles, how these are called, and the policy each of them has.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
"""

from __future__ import annotations

from typing import NamedTuple

POLICY_PATH = "arn:aws:iam::aws:policy/aws-service-role/"


class LinkedService(NamedTuple):
    """`role` is the role's name without a suffix; `suffixed` whether the service takes custom suffixes."""

    role: str
    policy: str
    suffixed: bool = False


LINKED_SERVICES = {
    "access-analyzer.amazonaws.com": LinkedService("AWSServiceRoleForAccessAnalyzer", "AccessAnalyzerServiceRolePolicy"),
    "apprunner.amazonaws.com": LinkedService("AWSServiceRoleForAppRunner", "AppRunnerServiceRolePolicy"),
    "appsync.amazonaws.com": LinkedService("AWSServiceRoleForAppSync", "AWSAppSyncServiceRolePolicy"),
    "apidestinations.events.amazonaws.com": LinkedService(
        "AWSServiceRoleForAmazonEventBridgeApiDestinations", "AmazonEventBridgeApiDestinationsServiceRolePolicy"
    ),
    "autoscaling.amazonaws.com": LinkedService("AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy", suffixed=True),
    "backup.amazonaws.com": LinkedService("AWSServiceRoleForBackup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    "batch.amazonaws.com": LinkedService("AWSServiceRoleForBatch", "BatchServiceRolePolicy"),
    "budgets.amazonaws.com": LinkedService("AWSServiceRoleForBudgets", "BudgetsServiceRolePolicy"),
    "cloud9.amazonaws.com": LinkedService("AWSServiceRoleForAWSCloud9", "AWSCloud9ServiceRolePolicy"),
    "cloudtrail.amazonaws.com": LinkedService("AWSServiceRoleForCloudTrail", "CloudTrailServiceRolePolicy"),
    "cognito-idp.amazonaws.com": LinkedService("AWSServiceRoleForAmazonCognitoIdp", "AmazonCognitoIdpServiceRolePolicy"),
    "config.amazonaws.com": LinkedService("AWSServiceRoleForConfig", "AWSConfigServiceRolePolicy"),
    "connect.amazonaws.com": LinkedService("AWSServiceRoleForAmazonConnect", "AmazonConnectServiceLinkedRolePolicy", suffixed=True),
    "contributorinsights.dynamodb.amazonaws.com": LinkedService(
        "AWSServiceRoleForDynamoDBCloudWatchContributorInsights", "DynamoDBCloudWatchContributorInsightsServiceRolePolicy"
    ),
    "dax.amazonaws.com": LinkedService("AWSServiceRoleForDAX", "DAXServiceRolePolicy"),
    "dynamodb.application-autoscaling.amazonaws.com": LinkedService(
        "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable", "AWSApplicationAutoscalingDynamoDBTablePolicy"
    ),
    "lambda.application-autoscaling.amazonaws.com": LinkedService(
        "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency", "AWSApplicationAutoscalingLambdaConcurrencyPolicy"
    ),
    "ecs.application-autoscaling.amazonaws.com": LinkedService(
        "AWSServiceRoleForApplicationAutoScaling_ECSService", "AWSApplicationAutoscalingECSServicePolicy"
    ),
    "rds.application-autoscaling.amazonaws.com": LinkedService(
        "AWSServiceRoleForApplicationAutoScaling_RDSCluster", "AWSApplicationAutoscalingRDSClusterPolicy"
    ),
    "custom-resource.application-autoscaling.amazonaws.com": LinkedService(
        "AWSServiceRoleForApplicationAutoScaling_CustomResource", "AWSApplicationAutoScalingCustomResourcePolicy"
    ),
    "replication.ecr.amazonaws.com": LinkedService("AWSServiceRoleForECRReplication", "ECRReplicationServiceRolePolicy"),
    "ecs.amazonaws.com": LinkedService("AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"),
    "eks.amazonaws.com": LinkedService("AWSServiceRoleForAmazonEKS", "AmazonEKSServiceRolePolicy"),
    "eks-nodegroup.amazonaws.com": LinkedService("AWSServiceRoleForAmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    "eks-fargate.amazonaws.com": LinkedService("AWSServiceRoleForAmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy"),
    "elasticache.amazonaws.com": LinkedService("AWSServiceRoleForElastiCache", "ElastiCacheServiceRolePolicy"),
    "elasticbeanstalk.amazonaws.com": LinkedService("AWSServiceRoleForElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"),
    "elasticfilesystem.amazonaws.com": LinkedService("AWSServiceRoleForAmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy"),
    "elasticloadbalancing.amazonaws.com": LinkedService("AWSServiceRoleForElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"),
    "elasticmapreduce.amazonaws.com": LinkedService("AWSServiceRoleForEMRCleanup", "AmazonEMRCleanupPolicy", suffixed=True),
    "email.cognito-idp.amazonaws.com": LinkedService("AWSServiceRoleForAmazonCognitoIdpEmailService", "AmazonCognitoIdpEmailServiceRolePolicy"),
    "es.amazonaws.com": LinkedService("AWSServiceRoleForAmazonElasticsearchService", "AmazonElasticsearchServiceRolePolicy"),
    "events.amazonaws.com": LinkedService("AWSServiceRoleForCloudWatchEvents", "CloudWatchEventsServiceRolePolicy"),
    "guardduty.amazonaws.com": LinkedService("AWSServiceRoleForAmazonGuardDuty", "AmazonGuardDutyServiceRolePolicy"),
    "inspector.amazonaws.com": LinkedService("AWSServiceRoleForAmazonInspector", "AmazonInspectorServiceRolePolicy"),
    "inspector2.amazonaws.com": LinkedService("AWSServiceRoleForAmazonInspector2", "AmazonInspector2ServiceRolePolicy"),
    "kafka.amazonaws.com": LinkedService("AWSServiceRoleForKafka", "KafkaServiceRolePolicy"),
    "kafkaconnect.amazonaws.com": LinkedService("AWSServiceRoleForKafkaConnect", "KafkaConnectServiceRolePolicy"),
    "kinesisreplication.dynamodb.amazonaws.com": LinkedService(
        "AWSServiceRoleForDynamoDBKinesisDataStreamsReplication", "DynamoDBKinesisReplicationServiceRolePolicy"
    ),
    "lakeformation.amazonaws.com": LinkedService("AWSServiceRoleForLakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy"),
    "lambda.amazonaws.com": LinkedService("AWSServiceRoleForLambda", "AWSLambdaServiceRolePolicy"),
    "replicator.lambda.amazonaws.com": LinkedService("AWSServiceRoleForLambdaReplicator", "AWSLambdaReplicator"),
    "logger.cloudfront.amazonaws.com": LinkedService("AWSServiceRoleForCloudFrontLogger", "AWSCloudFrontLogger"),
    "delivery.logs.amazonaws.com": LinkedService("AWSServiceRoleForLogDelivery", "AWSServiceRoleForLogDeliveryPolicy"),
    "lex.amazonaws.com": LinkedService("AWSServiceRoleForLexBots", "LexBotPolicy"),
    "lexv2.amazonaws.com": LinkedService("AWSServiceRoleForLexV2Bots", "AmazonLexV2BotPolicy", suffixed=True),
    "macie.amazonaws.com": LinkedService("AWSServiceRoleForAmazonMacie", "AmazonMacieServiceRolePolicy"),
    "memorydb.amazonaws.com": LinkedService("AWSServiceRoleForMemoryDB", "MemoryDBServiceRolePolicy"),
    "mq.amazonaws.com": LinkedService("AWSServiceRoleForAmazonMQ", "AmazonMQServiceRolePolicy"),
    "ops.apigateway.amazonaws.com": LinkedService("AWSServiceRoleForAPIGateway", "APIGatewayServiceRolePolicy"),
    "opensearchservice.amazonaws.com": LinkedService("AWSServiceRoleForAmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"),
    "observability.aoss.amazonaws.com": LinkedService("AWSServiceRoleForAmazonOpenSearchServerless", "AmazonOpenSearchServerlessServiceRolePolicy"),
    "organizations.amazonaws.com": LinkedService("AWSServiceRoleForOrganizations", "AWSOrganizationsServiceTrustPolicy"),
    "rds.amazonaws.com": LinkedService("AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"),
    "redshift.amazonaws.com": LinkedService("AWSServiceRoleForRedshift", "AmazonRedshiftServiceLinkedRolePolicy"),
    "replication.dynamodb.amazonaws.com": LinkedService("AWSServiceRoleForDynamoDBReplication", "DynamoDBReplicationServiceRolePolicy"),
    "schemas.amazonaws.com": LinkedService("AWSServiceRoleForSchemas", "AmazonEventBridgeSchemasServiceRolePolicy"),
    "securityhub.amazonaws.com": LinkedService("AWSServiceRoleForSecurityHub", "AWSSecurityHubServiceRolePolicy"),
    "servicequotas.amazonaws.com": LinkedService("AWSServiceRoleForServiceQuotas", "ServiceQuotasServiceRolePolicy"),
    "spot.amazonaws.com": LinkedService("AWSServiceRoleForEC2Spot", "AWSEC2SpotServiceRolePolicy"),
    "spotfleet.amazonaws.com": LinkedService("AWSServiceRoleForEC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"),
    "ssm.amazonaws.com": LinkedService("AWSServiceRoleForAmazonSSM", "AmazonSSMServiceRolePolicy"),
    "sso.amazonaws.com": LinkedService("AWSServiceRoleForSSO", "AWSSSOServiceRolePolicy"),
    "support.amazonaws.com": LinkedService("AWSServiceRoleForSupport", "AWSSupportServiceRolePolicy"),
    "trustedadvisor.amazonaws.com": LinkedService("AWSServiceRoleForTrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy"),
    "waf.amazonaws.com": LinkedService("AWSServiceRoleForWAFLogging", "WAFLoggingServiceRolePolicy"),
    "waf-regional.amazonaws.com": LinkedService("AWSServiceRoleForWAFRegionalLogging", "WAFRegionalLoggingServiceRolePolicy"),
    "wafv2.amazonaws.com": LinkedService("AWSServiceRoleForWAFV2Logging", "WAFV2LoggingServiceRolePolicy"),
}
