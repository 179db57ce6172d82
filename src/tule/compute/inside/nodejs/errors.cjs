'use strict';
// Error documents.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html

const { types } = require('util');

const UNREADABLE =
  'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';

// An error of the runtime's own; its name begins with `Runtime.`.
class RuntimeFault extends Error {}

function fault(name, message) {
  const named = class extends RuntimeFault {};
  named.prototype.name = `Runtime.${name}`;
  return new named(message);
}

function isError(value) {
  return types.isNativeError(value) || (value && ['name', 'message', 'stack'].every((part) => typeof value[part] === 'string' && value[part]));
}

// The answer of a failed invocation.
function faultDocument(error) {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
    return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
  } catch {
    return { errorType: 'handled', errorMessage: UNREADABLE };
  }
}

// The same for the log, with whatever else the error carries (code, cause, reason), as one line of JSON.
function errorText(error) {
  try {
    return JSON.stringify(asError(error), (_, value) => (value instanceof Error ? described(value) : value));
  } catch {
    return JSON.stringify(faultDocument(error));
  }
}

function described(error) {
  const all = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  if (typeof error.stack === 'string') all.stack = error.stack.split('\n');
  return all;
}

function asError(value) {
  return value instanceof Error ? value : new Error(value);
}

module.exports = { asError, errorText, fault, faultDocument, isError };
