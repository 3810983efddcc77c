#!/usr/bin/env python3
"""Tests of a command that was built without AWS support: test_aws_left_out.py PATH/TO/mastra-store"""

from support import fails, main


def test_aws_commands(store):
    fails(2, "this build has no AWS support", "dsql-token", "--host", "abc.dsql.us-east-1.on.aws")
    fails(2, "this build has no AWS support", "aws-whoami")
    fails(2, "built without AWS support", "dynamodb-setup", "--table", "agents")
    fails(2, "built without AWS support", "dynamodb-template", "--table", "agents")


main(globals())
