'use strict';
// Error documents.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html

class RuntimeFault extends Error {
  constructor(name, message, cause) {
    super(message);
    this.name = `Runtime.${name}`;
    if (cause && cause.stack) this.stack = `${this.name}: ${message}\n${cause.stack.split('\n').slice(1).join('\n')}`;
  }
}

function isError(value) {
  return value && value.name && value.message && value.stack;
}

// The answer of a failed invocation.
function faultDocument(error) {
  if (isError(error)) {
    return { errorType: String(error.name), errorMessage: String(error.message), trace: String(error.stack).split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

// The same for the log, with whatever else the error carries (code, cause, reason).
function errorDocument(error) {
  if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), stack: [] };
  const more = {};
  for (const name of Object.keys(error)) {
    if (!['name', 'message', 'stack'].includes(name)) more[name] = isError(error[name]) ? errorDocument(error[name]) : error[name];
  }
  return { errorType: error.name, errorMessage: error.message, ...more, stack: String(error.stack).split('\n') };
}

module.exports = { RuntimeFault, faultDocument, errorDocument };
