//! Blocked words, and addresses of pages, in messages. Pure.
//!
//! A message and a blocked word are compared by what they look like: case, accents, compatibility
//! forms, letters of other alphabets and digits that stand for letters make no difference, and
//! neither do signs or spaces between the letters of one word. Whole words are compared, so that a
//! town is not blocked for three of its letters.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::text::{hidden, latin, latin_capital, letter_for};

/// Letters of a word below which spelling it out ("a b c") is not looked for.
const SPELLED_MIN: usize = 3;

/// Blocked words, ready to be looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    /// Folded words; none for what has no letters, which is looked for as it is.
    words: Vec<String>,
    joined: String,
    /// More letters may follow.
    open: bool,
    /// Its script has no spaces: it is looked for inside of words.
    within: bool,
}

impl Words {
    /// Of what a person entered.
    pub(crate) fn new(words: &[String]) -> Self {
        Self(words.iter().map(|word| Entry::new(word)).collect())
    }

    /// Whether a message holds one of them.
    pub(crate) fn found_in(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        // A sign may stand for a letter ("$pam") or end a word ("spam!").
        [Signs::Letters, Signs::Between].into_iter().any(|signs| {
            let read = Read::new(text, signs);
            self.0.iter().any(|entry| entry.is_in(&read))
        })
    }
}

impl Entry {
    fn new(word: &str) -> Self {
        let open = word.ends_with('*');
        let folded = fold(word.trim_end_matches('*'), Signs::Letters);
        let words: Vec<String> = split(&folded).map(str::to_owned).collect();
        let plain = DecomposingNormalizerBorrowed::new_nfkd().normalize(word);
        let joined = if words.is_empty() {
            plain.to_lowercase()
        } else {
            words.concat()
        };
        Self {
            within: words.is_empty() || joined.chars().any(unspaced),
            words,
            joined,
            open,
        }
    }

    fn is_in(&self, read: &Read) -> bool {
        if self.within {
            return read.unbroken.contains(&self.joined) || read.plain.contains(&self.joined);
        }
        let fits = |got: &str, want: &str, last: bool| {
            got == want || (last && self.open && got.starts_with(want))
        };
        let phrase_in = |all: &[String]| {
            all.windows(self.words.len()).any(|window| {
                let last = window.len() - 1;
                let mut pairs = window.iter().zip(&self.words).enumerate();
                pairs.all(|(n, (got, want))| fits(got, want, n == last))
            })
        };
        phrase_in(&read.words)
            || phrase_in(&read.chunks)
            || read
                .chunks
                .iter()
                .any(|chunk| fits(chunk, &self.joined, true))
            || (self.joined.chars().count() >= SPELLED_MIN
                && read.spelled.iter().any(|run| run.contains(&self.joined)))
    }
}

/// A message in the ways in which words are looked for.
struct Read {
    /// As it is, in compatibility form and lower case.
    plain: String,
    /// Words between signs and spaces.
    words: Vec<String>,
    /// What stands between spaces, without its signs: `s.p.am` is `spam`.
    chunks: Vec<String>,
    /// Runs of single letters: `s p a m` is `spam`.
    spelled: Vec<String>,
    /// All letters.
    unbroken: String,
}

impl Read {
    fn new(text: &str, signs: Signs) -> Self {
        let plain = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
        let folded = match signs {
            Signs::Between => fold(text, signs),
            // At the end of a word an exclamation mark is one.
            Signs::Letters => text
                .split_whitespace()
                .map(|word| fold(word.trim_end_matches('!'), signs))
                .collect::<Vec<_>>()
                .join(" "),
        };
        let words: Vec<String> = split(&folded).map(str::to_owned).collect();
        let chunks = folded
            .split(' ')
            .map(|chunk| split(chunk).collect::<String>());
        let mut spelled = vec![String::new()];
        for word in &words {
            let single = word.chars().nth(1).is_none();
            match spelled.last_mut() {
                Some(run) if single => run.push_str(word),
                Some(run) if run.is_empty() => {}
                _ => spelled.push(String::new()),
            }
        }
        Self {
            plain: plain.to_lowercase(),
            chunks: chunks.filter(|chunk| !chunk.is_empty()).collect(),
            spelled,
            unbroken: words.concat(),
            words,
        }
    }
}

/// How signs that look like letters are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signs {
    Letters,
    Between,
}

/// What a text looks like: letters and digits folded, white space as a space, all other signs as a dot.
fn fold(text: &str, signs: Signs) -> String {
    DecomposingNormalizerBorrowed::new_nfkd()
        .normalize(text)
        .chars()
        .filter(|c| !mark(*c) && !hidden(*c))
        .map(latin_capital)
        .flat_map(char::to_lowercase)
        .map(|c| {
            let letter = if signs == Signs::Letters || c.is_alphanumeric() {
                letter_for(latin(c))
            } else {
                c
            };
            match letter {
                c if c.is_alphanumeric() => c,
                c if c.is_whitespace() => ' ',
                _ => '.',
            }
        })
        .collect()
}

fn split(folded: &str) -> impl Iterator<Item = &str> {
    folded.split([' ', '.']).filter(|word| !word.is_empty())
}

/// Accents and other marks on letters, and what chooses between forms of one.
fn mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{200D}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}')
}

/// Scripts that are written without spaces between words.
fn unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}')
}

/// Ends of host names that are taken for one without anything before or behind. Those that are words
/// of everyday (`it`, `me`, `to`) are not among them: many forget the space behind a full stop.
const ENDS: [&str; 68] = [
    "app", "ar", "au", "biz", "br", "ca", "cc", "ch", "cl", "club", "cn", "co", "com", "cz", "de",
    "dev", "dk", "edu", "es", "eu", "fi", "fm", "fr", "gg", "gov", "gr", "hu", "icu", "ie", "il",
    "info", "io", "ir", "jp", "kr", "link", "live", "ly", "mx", "net", "nl", "nz", "online", "org",
    "pl", "pro", "pt", "ro", "rs", "ru", "se", "shop", "site", "sk", "store", "stream", "su",
    "tech", "top", "tr", "tv", "ua", "uk", "vip", "win", "ws", "xyz", "рф",
];

/// Whether a message holds the address of a page or of a mailbox.
pub(crate) fn has_link(text: &str) -> bool {
    let mut text = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(text)
        .to_lowercase();
    text.retain(|c| !hidden(c));
    for written in [
        "[.]", "(.)", "{.}", "[dot]", "(dot)", "{dot}", "。", "．", "｡",
    ] {
        text = text.replace(written, ".");
    }
    text.split(|c: char| c.is_whitespace() || "<>()[]{}\"'`,;|".contains(c))
        .any(is_link)
}

fn is_link(word: &str) -> bool {
    if word.contains("://") || word.starts_with("www.") || word.starts_with("mailto:") {
        return true;
    }
    let word = word.rsplit('@').next().unwrap_or(word);
    let end = word.find(['/', ':', '?', '#']).unwrap_or(word.len());
    let (host, rest) = word.split_at(end);
    let host = host.trim_end_matches(['.', '!']);
    let labels: Vec<&str> = host.split('.').collect();
    let fine =
        |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let Some(last) = labels.last().filter(|_| labels.len() > 1) else {
        return false;
    };
    if !labels.iter().all(fine) {
        return false;
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let name = last.chars().count() > 1 && last.chars().all(char::is_alphabetic);
    let leads_on = rest.len() > 1 && rest.starts_with(['/', ':', '?', '#']);
    ENDS.contains(last) || (name && leads_on) || last.starts_with("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_words_are_found_however_they_are_dressed() {
        let words = ["Spam", "buy now", "crypt*", "ass", "敏感", "🍆", "müll"].map(str::to_owned);
        let words = Words::new(&words);
        for (text, expect) in [
            ("spam", true),
            ("SPAM!", true),
            ("it is ＳＰＡＭ, really", true),
            ("spám", true),
            ("$p@m", true),
            ("$pam!", true),
            ("sp4m", true),
            ("ѕраm", true),
            ("s.p.a.m", true),
            ("s p a m", true),
            ("s-p_a*m now", true),
            ("sp.am", true),
            ("x/spam", true),
            ("sp\u{200B}am", true),
            ("s\u{0336}p\u{0336}a\u{0336}m\u{0336}", true),
            ("spammer", false),
            ("Buy  NOW", true),
            ("buynow", true),
            ("b u y n o w", true),
            ("buy it now", false),
            ("now buy", false),
            ("crypto", true),
            ("Cryptography is fun", true),
            ("encrypted", false),
            ("class", false),
            ("as shown", false),
            ("a s s", true),
            ("ässe", false),
            ("这是敏感内容", true),
            ("内容", false),
            ("🍆🍆", true),
            ("Mull", true),
            ("", false),
            ("nothing of it", false),
        ] {
            assert_eq!(words.found_in(text), expect, "{text:?}");
        }
        assert!(!Words::default().found_in("spam"));
    }

    #[test]
    fn addresses_of_pages() {
        for (text, expect) in [
            ("https://example.com/x", true),
            ("see HTTP://EXAMPLE", true),
            ("www.example", true),
            ("example.com", true),
            ("Example.COM!", true),
            ("go to example.com.", true),
            ("(example.com)", true),
            ("ｅｘａｍｐｌｅ．ｃｏｍ", true),
            ("example。com", true),
            ("example[.]com and more", true),
            ("example (dot) com", false),
            ("example(dot)com", true),
            ("youtu.be/abc", true),
            ("t.me/abc", true),
            ("box.studio:8080/x", true),
            ("192.168.1.20", true),
            ("192.168.1.20:8080", true),
            ("mail me: anna@example.org", true),
            ("пример.рф", true),
            ("xn--e1afmkfd.xn--p1ai", true),
            ("exam\u{200B}ple.com", true),
            ("hello.it is fine", false),
            ("end.Then more", false),
            ("3.5 stars", false),
            ("1.2.3.4.5", false),
            ("e.g. this", false),
            ("...", false),
            ("what?!", false),
            ("9:30", false),
            ("and/or", false),
            ("mr.smith", false),
            ("", false),
        ] {
            assert_eq!(has_link(text), expect, "{text:?}");
        }
    }
}
