//! Takes secrets out of lines that are kept. What is logged should hold none; this stands behind that.

use std::borrow::Cow;

/// What stands before a secret: in addresses, stream keys and headers. In lower case.
const BEFORE: [&str; 7] = [
    "token=",
    "key=",
    "secret=",
    "passphrase=",
    "moderate=",
    "bearer ",
    "basic ",
];

/// The text without what follows on one of [`BEFORE`].
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    // Only letters of ASCII change, so that places in one are places in the other.
    let lower = text.to_ascii_lowercase();
    let mut out = String::new();
    let mut done = 0;
    let mut from = 0;
    while let Some(start) = next(&lower, from) {
        let quoted = lower[start..].starts_with('"');
        let start = start + usize::from(quoted);
        let rest = &text[start..];
        let ends = |c: char| c.is_whitespace() || "\"'&,;)}]>".contains(c);
        let end = start + rest.find(ends).unwrap_or(rest.len());
        from = end;
        if end > start {
            out.push_str(&text[done..start]);
            out.push('…');
            done = end;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// Where the next secret begins.
fn next(lower: &str, from: usize) -> Option<usize> {
    let found = BEFORE.iter().filter_map(|before| {
        let at = lower.get(from..)?.find(before)?;
        Some(from + at + before.len())
    });
    found.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        for (text, expect) in [
            ("nothing to hide", "nothing to hide"),
            (
                "control: http://a/studio#token=deadbeef",
                "control: http://a/studio#token=…",
            ),
            (
                "GET /ws?streamKey=abc&token=def HTTP",
                "GET /ws?streamKey=…&token=… HTTP",
            ),
            ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
            ("app/stage?key=s3cret refused", "app/stage?key=… refused"),
            ("secret=\"a b\" x", "secret=\"… b\" x"),
            ("token= and nothing", "token= and nothing"),
            ("ÄÖ Key=ß, name=Ann", "ÄÖ Key=…, name=Ann"),
            ("#moderate=1234", "#moderate=…"),
        ] {
            assert_eq!(redact(text), expect);
        }
    }
}
