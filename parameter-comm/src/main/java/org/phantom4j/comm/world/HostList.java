package org.phantom4j.comm.world;

/** Slurm's compact list of hosts, of which the first is wanted: gpu[03-07,12],login1 begins with gpu03. */
final class HostList {

    private final String list;
    private int next;

    private HostList(String list) {
        this.list = list;
    }

    /**
     * The first host. Every bracket of its name stands for the first of what is in it, so rack[0-1]_blade[4,6] begins with
     * rack0_blade4 and n[01-04]-ib0 with n01-ib0.
     *
     * @throws IllegalArgumentException if brackets do not match, or there is no host
     */
    static String first(String list) {
        HostList reader = new HostList(list.trim());
        String host = reader.first(false);
        if (host.isEmpty()) {
            throw new IllegalArgumentException("the list of hosts '" + list + "' does not begin with a host");
        }
        return host;
    }

    /** Reads up to the end of an alternative: a comma, and within brackets the bracket's end. */
    private String first(boolean inBracket) {
        StringBuilder text = new StringBuilder();
        while (next < list.length()) {
            char character = list.charAt(next);
            if (character == ',' || (inBracket && character == ']')) {
                break;
            }
            next++;
            if (character == ']') {
                throw unmatched();
            }
            text.append(character == '[' ? bracket() : String.valueOf(character));
        }
        return inBracket ? text.toString().replaceFirst("^(\\d+)-\\d+$", "$1") : text.toString();
    }

    /** Reads to behind the bracket's end; its first alternative. */
    private String bracket() {
        String chosen = first(true);
        while (next < list.length() && list.charAt(next) == ',') {
            next++;
            first(true);
        }
        if (next >= list.length()) {
            throw unmatched();
        }
        next++;
        return chosen;
    }

    private IllegalArgumentException unmatched() {
        return new IllegalArgumentException("the brackets of the list of hosts '" + list + "' do not match");
    }
}
