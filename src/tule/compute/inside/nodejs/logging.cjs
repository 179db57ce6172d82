'use strict';
// Log records: `time TAB request id TAB level TAB message`, or one JSON object; one record a call however many lines it has.
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html

const fs = require('fs');
const { format } = require('util');
const { asError, errorText } = require('./errors.cjs');

const MAGIC = Buffer.from([0xa5, 0x5a, 0x00, 0x03]); // marks a whole record on the pipe that also carries stdout
const LOG_FD = 1;
const METHODS = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };
const RANKS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };

function captureConsole(state) {
  const json = upper('AWS_LAMBDA_LOG_FORMAT') === 'JSON';
  const least = RANKS[upper('AWS_LAMBDA_LOG_LEVEL')] || RANKS.TRACE;
  for (const [method, level] of Object.entries(METHODS)) {
    console[method] = (...values) => {
      if (RANKS[level] >= least || level === 'FATAL') writeRecord(`${json ? jsonText(state, level, values) : plainText(state, level, values)}\n`);
    };
  }
  state.logError = (title, error) => (json ? console.error(asError(error)) : console.error(title, `\t${errorText(error)}`));
}

function upper(name) {
  return (process.env[name] || '').toUpperCase();
}

function plainText(state, level, values) {
  return `${new Date().toISOString()}\t${state.requestId}\t${level}\t${format(...values)}`;
}

// A single value is the message as it is; several are one text, and the first error among them is told beside it.
function jsonText(state, level, values) {
  const record = { timestamp: new Date().toISOString(), level, requestId: state.requestId };
  if (values.length === 1) {
    try {
      return JSON.stringify({ ...record, message: values[0] }, (_, value) => (value instanceof Error ? { ...told(value), ...value } : value));
    } catch {
      return JSON.stringify({ ...record, message: format(values[0]) });
    }
  }
  const error = values.find((value) => value instanceof Error);
  return JSON.stringify({ ...record, message: format(...values), ...(error ? told(error) : {}) });
}

function told(error) {
  const stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : error.stack;
  return { errorType: error.constructor ? error.constructor.name : 'UnknownError', errorMessage: error.message, stackTrace };
}

function writeRecord(text) {
  const raw = Buffer.from(text);
  const head = Buffer.alloc(8);
  MAGIC.copy(head);
  head.writeUInt32BE(raw.length, 4);
  let data = Buffer.concat([head, raw]);
  while (data.length > 0) {
    try {
      data = data.subarray(fs.writeSync(LOG_FD, data));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

module.exports = { captureConsole };
