'use strict';
// Handlers that write their answer to a stream (`awslambda.streamifyResponse`): the node gets it piece by piece.
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html

const { Writable } = require('stream');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const HTTP_ANSWER = 'application/vnd.awslambda.http-integration-response';
const AFTER_METADATA = Buffer.alloc(8);
const PIECE_BYTES = 1 << 20; // the node takes no frames of any size

class Answer extends Writable {
  constructor(control, highWaterMark) {
    super(highWaterMark === undefined ? {} : { highWaterMark });
    this.control = control;
    this.begun = false;
    this.finished = new Promise((resolve, reject) => this.on('finish', resolve).on('error', reject));
    this.finished.catch(() => {}); // whoever waits for it hears of it
  }

  write(chunk, ...more) {
    return super.write(written(chunk), ...more);
  }

  end(chunk, ...more) {
    return super.end(chunk === undefined || chunk === null || typeof chunk === 'function' ? chunk : written(chunk), ...more);
  }

  _write(piece, encoding, done) {
    this.begin();
    const data = Buffer.isBuffer(piece) ? piece : Buffer.from(piece, encoding);
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      const last = at + PIECE_BYTES >= data.length;
      this.control.send('D', {}, data.subarray(at, at + PIECE_BYTES), last ? () => done() : undefined);
    }
    if (data.length === 0) done();
  }

  _final(done) {
    this.begin();
    done();
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    this.control.send('S', { type: this.contentType });
    if (this.metadata !== undefined) this.control.send('D', {}, Buffer.concat([Buffer.from(this.metadata), AFTER_METADATA]));
  }

  setContentType(type) {
    this.contentType = type;
  }
}

// What is neither text nor bytes is written as JSON.
function written(chunk) {
  const plain = typeof chunk === 'string' || Buffer.isBuffer(chunk) || (chunk && chunk.constructor === Uint8Array);
  return plain ? chunk : JSON.stringify(chunk);
}

function isStreaming(handler) {
  return Boolean(handler[STREAMING]);
}

// Resolved once the handler has ended both itself and the stream.
async function streamed(handler, input, context, control) {
  const answer = new Answer(control, handler[HIGH_WATER_MARK]);
  const result = handler(input, answer, context);
  if (!result || typeof result.then !== 'function') throw 'Streaming does not support non-async handlers.'; // eslint-disable-line no-throw-literal
  if ((await result) !== undefined) console.warn('Streaming handlers ignore return values.');
  await answer.finished;
}

// The global that functions find, without an import.
function defineStreaming() {
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (options && options.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
      return handler;
    },
    HttpResponseStream: {
      // The metadata of an HTTP answer goes before its body, with eight zero bytes between.
      from(answer, metadata) {
        answer.setContentType(HTTP_ANSWER);
        answer.metadata = JSON.stringify(metadata);
        return answer;
      },
    },
  };
}

module.exports = { defineStreaming, isStreaming, streamed };
