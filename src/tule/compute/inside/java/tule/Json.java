package tule;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** JSON text to maps, lists, strings, numbers and back; other objects are written by their properties (see Binding). */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Throws IllegalArgumentException for what is no JSON. */
    static Object parse(String text) {
        Json json = new Json(text);
        json.space();
        if (json.at == text.length()) return null;
        Object value = json.value();
        json.space();
        if (json.at < text.length()) throw json.wrong();
        return value;
    }

    static byte[] bytes(Object value) {
        StringBuilder out = new StringBuilder();
        write(out, value, 0);
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    private Object value() {
        space();
        switch (peek()) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> made = new LinkedHashMap<>();
        at++;
        for (space(); peek() != '}'; space()) {
            if (!made.isEmpty()) expect(',');
            space();
            String name = string();
            space();
            expect(':');
            made.put(name, value());
        }
        at++;
        return made;
    }

    private List<Object> array() {
        List<Object> made = new ArrayList<>();
        at++;
        for (space(); peek() != ']'; space()) {
            if (!made.isEmpty()) expect(',');
            made.add(value());
        }
        at++;
        return made;
    }

    private String string() {
        expect('"');
        StringBuilder made = new StringBuilder();
        for (char each = take(); each != '"'; each = take()) {
            made.append(each == '\\' ? escaped() : each);
        }
        return made.toString();
    }

    private char escaped() {
        char each = take();
        int plain = "bfnrt".indexOf(each);
        if (plain >= 0) return "\b\f\n\r\t".charAt(plain);
        if (each != 'u') return each;
        if (at + 4 > text.length()) throw wrong();
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 4, at), 16);
    }

    /** Whole numbers are Integer, Long or BigInteger by their size, others Double. */
    private Object number() {
        int start = at;
        while (at < text.length() && "+-0123456789.eE".indexOf(text.charAt(at)) >= 0) at++;
        String digits = text.substring(start, at);
        if (digits.isEmpty()) throw wrong();
        if (digits.matches("-?\\d+")) {
            BigInteger whole = new BigInteger(digits);
            if (whole.bitLength() < 32) return whole.intValue();
            return whole.bitLength() < 64 ? (Object) whole.longValue() : whole;
        }
        return Double.valueOf(digits);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw wrong();
        at += word.length();
        return value;
    }

    private void space() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
    }

    private char peek() {
        if (at >= text.length()) throw wrong();
        return text.charAt(at);
    }

    private char take() {
        char each = peek();
        at++;
        return each;
    }

    private void expect(char wanted) {
        if (take() != wanted) throw wrong();
    }

    private IllegalArgumentException wrong() {
        return new IllegalArgumentException("Unexpected character at " + at);
    }

    private static void write(StringBuilder out, Object value, int depth) {
        if (depth > 1000) throw new IllegalStateException("Infinite recursion (StackOverflowError)");
        if (value == null || value instanceof Boolean || value instanceof BigDecimal || value instanceof BigInteger) {
            out.append(value);
        } else if (value instanceof Number) {
            String text = value.toString();
            out.append(text.equals("NaN") || text.endsWith("Infinity") ? "\"" + text + "\"" : text);
        } else if (value instanceof CharSequence || value instanceof Character) {
            quoted(out, value.toString());
        } else if (value instanceof Enum) {
            quoted(out, ((Enum<?>) value).name());
        } else if (value instanceof Date) {
            out.append(((Date) value).getTime());
        } else if (value instanceof Optional) {
            write(out, ((Optional<?>) value).orElse(null), depth);
        } else if (value instanceof byte[]) {
            quoted(out, Base64.getEncoder().encodeToString((byte[]) value));
        } else if (value instanceof ByteBuffer) {
            ByteBuffer left = ((ByteBuffer) value).duplicate();
            byte[] raw = new byte[left.remaining()];
            left.get(raw);
            quoted(out, Base64.getEncoder().encodeToString(raw));
        } else if (value instanceof Map) {
            members(out, (Map<?, ?>) value, depth);
        } else if (value instanceof Iterable) {
            elements(out, (Iterable<?>) value, depth);
        } else if (value.getClass().isArray()) {
            List<Object> list = new ArrayList<>();
            for (int index = 0; index < Array.getLength(value); index++) list.add(Array.get(value, index));
            elements(out, list, depth);
        } else if (Binding.isText(value.getClass())) {
            quoted(out, value.toString());
        } else {
            members(out, Binding.properties(value), depth);
        }
    }

    private static void members(StringBuilder out, Map<?, ?> members, int depth) {
        out.append('{');
        String between = "";
        for (Map.Entry<?, ?> each : members.entrySet()) {
            out.append(between);
            quoted(out, each.getKey() instanceof Enum ? ((Enum<?>) each.getKey()).name() : String.valueOf(each.getKey()));
            out.append(':');
            write(out, each.getValue(), depth + 1);
            between = ",";
        }
        out.append('}');
    }

    private static void elements(StringBuilder out, Iterable<?> elements, int depth) {
        out.append('[');
        String between = "";
        for (Object each : elements) {
            out.append(between);
            write(out, each, depth + 1);
            between = ",";
        }
        out.append(']');
    }

    private static void quoted(StringBuilder out, String text) {
        out.append('"');
        for (int index = 0; index < text.length(); index++) {
            char each = text.charAt(index);
            int short_ = "\b\f\n\r\t\"\\".indexOf(each);
            if (short_ >= 0) out.append('\\').append("bfnrt\"\\".charAt(short_));
            else if (each < 0x20) out.append(String.format("\\u%04x", (int) each));
            else out.append(each);
        }
        out.append('"');
    }
}
