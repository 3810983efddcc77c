/* The table as a template for CloudFormation or for the CDK. */
#include "backends/dynamodb/setup.h"

#include "base/error.h"
#include "base/json.h"

/* One line: indented, "name: value". */
static void put_line(struct ms_buf *out, unsigned indent, const char *name, const char *value)
{
    ms_buf_printf(out, "%*s%s:%s%s\n", (int)indent, "", name, value[0] ? " " : "", value);
}

/* YAML's single quotes and TypeScript's: names of tables hold neither, those of attributes may. */
static void put_quoted(struct ms_buf *out, const char *text, const char *quote)
{
    ms_buf_add_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'') {
            ms_buf_add_text(out, quote);
        } else {
            ms_buf_add_char(out, *text);
        }
    }
    ms_buf_add_char(out, '\'');
}

/* CloudFormation. */

static void put_yaml_definitions(struct ms_buf *out, unsigned indexes)
{
    put_line(out, 6, "AttributeDefinitions", "");
    for (unsigned i = 0; i <= indexes; i++) {
        for (int range = 0; range < 2; range++) {
            char key[DDB_KEY_NAME_SIZE];

            ddb_key_name(i, range != 0, key);
            put_line(out, 8, "- AttributeName", key);
            put_line(out, 10, "AttributeType", "S");
        }
    }
}

static void put_yaml_keys(struct ms_buf *out, unsigned indent, unsigned number)
{
    char key[DDB_KEY_NAME_SIZE];

    put_line(out, indent, "KeySchema", "");
    ddb_key_name(number, false, key);
    put_line(out, indent + 2, "- AttributeName", key);
    put_line(out, indent + 4, "KeyType", "HASH");
    ddb_key_name(number, true, key);
    put_line(out, indent + 2, "- AttributeName", key);
    put_line(out, indent + 4, "KeyType", "RANGE");
}

static void put_yaml_indexes(struct ms_buf *out, unsigned indexes)
{
    put_line(out, 6, "GlobalSecondaryIndexes", "");
    for (unsigned i = 1; i <= indexes; i++) {
        char name[DDB_KEY_NAME_SIZE];

        ddb_index_name(i, name);
        put_line(out, 8, "- IndexName", name);
        put_yaml_keys(out, 10, i);
        put_line(out, 10, "Projection", "");
        put_line(out, 12, "ProjectionType", DDB_PROJECTION);
    }
}

static void put_cloudformation(struct ms_buf *out, const char *table, const struct ddb_wish *plan)
{
    ms_buf_add_text(out, "# On a table that is there already CloudFormation adds one index per update.\n");
    put_line(out, 0, "AWSTemplateFormatVersion", "'2010-09-09'");
    put_line(out, 0, "Resources", "");
    put_line(out, 2, "MastraSingleTable", "");
    put_line(out, 4, "Type", "AWS::DynamoDB::Table");
    put_line(out, 4, "DeletionPolicy", "Retain");
    put_line(out, 4, "UpdateReplacePolicy", "Retain");
    put_line(out, 4, "Properties", "");
    ms_buf_add_text(out, "      TableName: ");
    put_quoted(out, table, "''");
    ms_buf_add_char(out, '\n');
    put_line(out, 6, "BillingMode", DDB_BILLING);
    put_yaml_definitions(out, plan->indexes);
    put_yaml_keys(out, 6, 0);
    put_yaml_indexes(out, plan->indexes);
    if (plan->ttl_attribute) {
        put_line(out, 6, "TimeToLiveSpecification", "");
        ms_buf_add_text(out, "        AttributeName: ");
        put_quoted(out, plan->ttl_attribute, "''");
        ms_buf_add_char(out, '\n');
        put_line(out, 8, "Enabled", "true");
    }
    if (plan->recovery) {
        put_line(out, 6, "PointInTimeRecoverySpecification", "");
        put_line(out, 8, "PointInTimeRecoveryEnabled", "true");
    }
    if (plan->encryption) {
        put_line(out, 6, "SSESpecification", "");
        put_line(out, 8, "SSEEnabled", "true");
    }
}

/* The CDK. */

static void put_cdk_keys(struct ms_buf *out, unsigned number)
{
    char hash[DDB_KEY_NAME_SIZE];
    char range[DDB_KEY_NAME_SIZE];

    ddb_key_name(number, false, hash);
    ddb_key_name(number, true, range);
    ms_buf_printf(out,
                  "      partitionKey: { name: '%s', type: dynamodb.AttributeType.STRING },\n"
                  "      sortKey: { name: '%s', type: dynamodb.AttributeType.STRING },\n",
                  hash, range);
}

static void put_cdk_options(struct ms_buf *out, const struct ddb_wish *plan)
{
    ms_buf_add_text(out, "      billingMode: dynamodb.BillingMode." DDB_BILLING ",\n");
    if (plan->ttl_attribute) {
        ms_buf_add_text(out, "      timeToLiveAttribute: ");
        put_quoted(out, plan->ttl_attribute, "\\'");
        ms_buf_add_text(out, ",\n");
    }
    if (plan->recovery) {
        ms_buf_add_text(out, "      pointInTimeRecovery: true,\n");
    }
    if (plan->encryption) {
        ms_buf_add_text(out, "      encryption: dynamodb.TableEncryption.AWS_MANAGED,\n");
    }
    ms_buf_add_text(out, "      removalPolicy: cdk.RemovalPolicy.RETAIN,\n");
}

static void put_cdk(struct ms_buf *out, const char *table, const struct ddb_wish *plan)
{
    ms_buf_add_text(out, "// On a table that is there already CloudFormation adds one index per update.\n"
                         "import * as cdk from 'aws-cdk-lib';\n"
                         "import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';\n"
                         "import { Construct } from 'constructs';\n\n"
                         "export class MastraDynamoDbStack extends cdk.Stack {\n"
                         "  constructor(scope: Construct, id: string, props?: cdk.StackProps) {\n"
                         "    super(scope, id, props);\n\n"
                         "    const table = new dynamodb.Table(this, 'MastraSingleTable', {\n"
                         "      tableName: ");
    put_quoted(out, table, "\\'");
    ms_buf_add_text(out, ",\n");
    put_cdk_keys(out, 0);
    put_cdk_options(out, plan);
    ms_buf_add_text(out, "    });\n");
    for (unsigned i = 1; i <= plan->indexes; i++) {
        char name[DDB_KEY_NAME_SIZE];

        ddb_index_name(i, name);
        ms_buf_printf(out, "    table.addGlobalSecondaryIndex({\n      indexName: '%s',\n", name);
        put_cdk_keys(out, i);
        ms_buf_add_text(out, "      projectionType: dynamodb.ProjectionType." DDB_PROJECTION ",\n    });\n");
    }
    ms_buf_add_text(out, "  }\n}\n");
}

mastra_status ddb_template(const char *format, const char *table, const struct ddb_wish *plan,
                           struct ms_buf *out, mastra_error *error)
{
    if (format && strcmp(format, "cloudformation") == 0) {
        put_cloudformation(out, table, plan);
    } else if (format && strcmp(format, "cdk") == 0) {
        put_cdk(out, table, plan);
    } else {
        return ms_error_argument(error, "format", mastra_str_of(format), "must be cloudformation or cdk");
    }
    return out->failed ? ms_error_oom(error) : MASTRA_OK;
}
