'use strict';
// Frames on the control socket: kind (one byte), lengths of head and body (unsigned 32 bits, big-endian), head (JSON), body.

const net = require('net');

const PREFIX_BYTES = 9;

class FrameSocket {
  constructor(fd) {
    this.socket = new net.Socket({ fd, readable: true, writable: true });
    this.pieces = [];
    this.size = 0;
    this.ready = [];
    this.waiting = null;
    this.ended = false;
    this.socket.on('data', (data) => this.take(data));
    this.socket.on('close', () => this.end());
    this.socket.on('error', () => this.end());
  }

  send(kind, head, body, sent) {
    const rawHead = Buffer.from(JSON.stringify(head));
    const rawBody = body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(body);
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.write(kind, 0, 'latin1');
    prefix.writeUInt32BE(rawHead.length, 1);
    prefix.writeUInt32BE(rawBody.length, 5);
    this.socket.write(Buffer.concat([prefix, rawHead, rawBody]), sent);
  }

  // The next frame, or null once the node is gone.
  receive() {
    if (this.ready.length > 0) return Promise.resolve(this.ready.shift());
    if (this.ended) return Promise.resolve(null);
    this.socket.ref();
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  // While the function runs, the socket does not keep the event loop alive: when nothing else does, the function is done.
  release() {
    this.socket.unref();
  }

  hold() {
    this.socket.ref();
  }

  take(data) {
    this.pieces.push(data);
    this.size += data.length;
    for (let frame = this.cut(); frame !== null; frame = this.cut()) this.deliver(frame);
  }

  cut() {
    if (this.size < PREFIX_BYTES) return null;
    if (this.pieces.length > 1 && this.pieces[0].length < PREFIX_BYTES) this.pieces = [Buffer.concat(this.pieces)];
    const headBytes = this.pieces[0].readUInt32BE(1);
    const bodyBytes = this.pieces[0].readUInt32BE(5);
    const whole = PREFIX_BYTES + headBytes + bodyBytes;
    if (this.size < whole) return null;
    const data = this.pieces.length === 1 ? this.pieces[0] : Buffer.concat(this.pieces);
    this.pieces = data.length > whole ? [data.subarray(whole)] : [];
    this.size -= whole;
    return {
      kind: String.fromCharCode(data[0]),
      head: JSON.parse(data.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + headBytes)),
      body: data.subarray(PREFIX_BYTES + headBytes, whole),
    };
  }

  deliver(frame) {
    if (this.waiting === null) {
      this.ready.push(frame);
      return;
    }
    const resolve = this.waiting;
    this.waiting = null;
    resolve(frame);
  }

  end() {
    this.ended = true;
    if (this.waiting !== null) this.deliver(null);
  }
}

module.exports = { FrameSocket };
