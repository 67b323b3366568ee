//! Parts of a description that are told after it (RFC 8840, section 9, as RFC 9725, section 4.3 uses them).

/// What a description says of the connection: names of both ICE ends and addresses.
const NAMES: [&str; 2] = ["a=ice-ufrag:", "a=ice-pwd:"];
const CANDIDATE: &str = "a=candidate:";
const ALL: &str = "a=end-of-candidates";

/// The first line that begins so, without that.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.trim_end().strip_prefix(key))
}

/// The addresses of a description, each once and in its order, as lines. Sections that share a transport repeat them.
pub(crate) fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    let first = sdp.lines().skip_while(|line| !line.starts_with("m="));
    let mut sections = 0;
    first
        .take_while(move |line| {
            sections += usize::from(line.starts_with("m="));
            sections == 1
        })
        .map(str::trim_end)
        .filter(|line| line.starts_with(CANDIDATE))
}

/// A fragment of our description: its names, the addresses behind the first `told`, and whether these are `all`.
pub(crate) fn of(sdp: &str, told: usize, all: bool) -> String {
    let mut out = String::new();
    let mut line = |line: &str| {
        out += line;
        out += "\r\n";
    };
    if let Some(group) = value(sdp, "a=group:BUNDLE") {
        line(&format!("a=group:BUNDLE{group}"));
    }
    if let Some(section) = value(sdp, "m=") {
        line(&format!("m={section}"));
    }
    for key in ["a=mid:", NAMES[0], NAMES[1]] {
        if let Some(value) = value(sdp, key) {
            line(&format!("{key}{value}"));
        }
    }
    for candidate in candidates(sdp).skip(told) {
        line(candidate);
    }
    if all {
        line(ALL);
    }
    out
}

/// The far end's whole description when it has taken new names: `answer` with what `fragment` says in place of
/// what was said before. `None` when the fragment does not say it.
pub(crate) fn renewed(answer: &str, fragment: &str) -> Option<String> {
    let [user, password] = NAMES.map(|key| value(fragment, key));
    let (user, password) = (user?, password?);
    let mut addresses: String = fragment
        .lines()
        .map(str::trim_end)
        .filter(|line| line.starts_with(CANDIDATE) || *line == ALL)
        .map(|line| format!("{line}\r\n"))
        .collect();
    let mut out = String::new();
    for line in answer.lines().map(str::trim_end) {
        if line.starts_with(CANDIDATE) || line == ALL {
            continue;
        }
        let named = NAMES.iter().zip([user, password]);
        let named = named.into_iter().find(|(key, _)| line.starts_with(**key));
        match named {
            Some((key, value)) => out += &format!("{key}{value}\r\n"),
            None => out += &format!("{line}\r\n"),
        }
        // Behind the name of the first section; the others share its transport.
        if line.starts_with("a=mid:") {
            out += &std::mem::take(&mut addresses);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:ours\r\na=ice-pwd:secret\r\n\
        a=candidate:1 1 udp 2 192.0.2.1 9 typ host\r\na=candidate:2 1 udp 1 192.0.2.2 9 typ host\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=ice-ufrag:ours\r\na=ice-pwd:secret\r\n\
        a=candidate:1 1 udp 2 192.0.2.1 9 typ host\r\n";

    #[test]
    fn only_what_was_not_told_is_told() {
        assert_eq!(candidates(OFFER).count(), 2, "each once");
        assert_eq!(
            of(OFFER, 1, true),
            "a=group:BUNDLE 0 1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:ours\r\n\
             a=ice-pwd:secret\r\na=candidate:2 1 udp 1 192.0.2.2 9 typ host\r\na=end-of-candidates\r\n"
        );
        let none = of(OFFER, 2, false);
        assert!(none.ends_with("a=ice-pwd:secret\r\n"), "{none}");
        assert_eq!(of("nonsense", 0, false), "");
    }

    #[test]
    fn an_answer_takes_the_new_names_and_addresses() {
        let fragment = "a=ice-ufrag:new\r\na=ice-pwd:newer\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n\
            a=candidate:9 1 udp 5 198.51.100.7 8189 typ host\r\na=end-of-candidates\r\n";
        let answer = renewed(OFFER, fragment).unwrap();
        assert_eq!(answer.matches("a=ice-ufrag:new\r\n").count(), 2);
        assert_eq!(answer.matches("a=ice-pwd:newer\r\n").count(), 2);
        let expect = ["a=candidate:9 1 udp 5 198.51.100.7 8189 typ host"];
        assert_eq!(candidates(&answer).collect::<Vec<_>>(), expect);
        assert!(!answer.contains("192.0.2.") && answer.contains("a=group:BUNDLE 0 1\r\n"));
        for wrong in ["", "a=ice-ufrag:new\r\n", "a=end-of-candidates"] {
            assert_eq!(renewed(OFFER, wrong), None, "{wrong}");
        }
    }
}
