#!/bin/sh
# Runs once LocalStack takes calls: https://docs.localstack.cloud/references/init-hooks
echo "LocalStack is ready for Lovage: AWS_ENDPOINT_URL=http://127.0.0.1:4566 npm start"
