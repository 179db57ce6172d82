'use strict';
// Log records: `time TAB request id TAB level TAB message`, one record a call however many lines it has.
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html

const fs = require('fs');
const { format } = require('util');

const MAGIC = Buffer.from([0xa5, 0x5a, 0x00, 0x03]); // marks a whole record on the pipe that also carries stdout
const LOG_FD = 1;
const LEVELS = { log: 'INFO', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR', trace: 'TRACE' };
const RANKS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };

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

function logRecord(state, level, message) {
  if (process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON') {
    const record = { timestamp: new Date().toISOString(), level, requestId: state.requestId, message };
    writeRecord(`${JSON.stringify(record)}\n`);
    return;
  }
  writeRecord(`${new Date().toISOString()}\t${state.requestId || 'undefined'}\t${level}\t${message}\n`);
}

function captureConsole(state) {
  const least = RANKS[process.env.AWS_LAMBDA_LOG_LEVEL] || 0;
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = (...values) => {
      if (RANKS[level] >= least) logRecord(state, level, format(...values));
    };
  }
  console.fatal = (...values) => logRecord(state, 'FATAL', format(...values));
}

module.exports = { captureConsole, logRecord };
