package tule;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** A client of the Runtime API on one connection, as HTTP clients of the platform cost a tenth of a second to load. */
final class RuntimeApi {
    private static final String VERSION = "/2018-06-01/runtime/";
    private final String place;
    private final InputStream input;
    private final OutputStream output;

    /** An event with its headers, whose names are in lower case. */
    static final class Event {
        final String id;
        final byte[] body;
        private final Map<String, String> headers;

        Event(Map<String, String> headers, byte[] body) {
            this.id = headers.get("lambda-runtime-aws-request-id");
            this.headers = headers;
            this.body = body;
        }

        String header(String name) {
            return headers.get(name);
        }
    }

    RuntimeApi(String place) throws IOException {
        this.place = place;
        int colon = place.lastIndexOf(':');
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress(place.substring(0, colon), Integer.parseInt(place.substring(colon + 1))));
        socket.setTcpNoDelay(true);
        input = new BufferedInputStream(socket.getInputStream(), 65536);
        output = socket.getOutputStream();
    }

    Event next() throws IOException {
        send("GET", "invocation/next", null, null);
        Map<String, String> headers = new HashMap<>();
        byte[] body = receive(headers);
        return new Event(headers, body);
    }

    void post(String path, byte[] body, String errorType) throws IOException {
        send("POST", path, body, errorType);
        receive(new HashMap<>());
    }

    private void send(String method, String path, byte[] body, String errorType) throws IOException {
        StringBuilder head = new StringBuilder(method).append(' ').append(VERSION).append(path).append(" HTTP/1.1\r\nhost: ").append(place);
        if (body != null) head.append("\r\ncontent-type: application/json\r\ncontent-length: ").append(body.length);
        if (errorType != null) head.append("\r\nlambda-runtime-function-error-type: ").append(errorType);
        byte[] raw = head.append("\r\n\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
        byte[] whole = new byte[raw.length + (body == null ? 0 : body.length)];
        System.arraycopy(raw, 0, whole, 0, raw.length);
        if (body != null) System.arraycopy(body, 0, whole, raw.length, body.length);
        output.write(whole);
        output.flush();
    }

    private byte[] receive(Map<String, String> headers) throws IOException {
        line();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
        }
        byte[] body = new byte[Integer.parseInt(headers.getOrDefault("content-length", "0"))];
        for (int at = 0; at < body.length; ) {
            int count = input.read(body, at, body.length - at);
            if (count < 0) throw new EOFException();
            at += count;
        }
        return body;
    }

    private String line() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int each = input.read(); each != '\n'; each = input.read()) {
            if (each < 0) throw new EOFException();
            if (each != '\r') text.append((char) each);
        }
        return text.toString();
    }
}
