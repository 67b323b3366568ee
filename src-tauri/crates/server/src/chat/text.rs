//! What a chat name and a chat message may be. Pure.
//!
//! Both are plain text. Lengths count Unicode scalar values, after white space at both ends is gone.
//! Line breaks and tabs become single spaces; other control characters are refused, and so are the
//! characters that turn the direction of what follows (they could make a message look like another).

use api::{Code, Problem};
use icu_normalizer::DecomposingNormalizerBorrowed;

/// The name that the host speaks under.
pub(crate) const HOST: &str = "Host";

/// Names that nobody else may look like.
const RESERVED: [&str; 7] = [
    HOST,
    "Klieg",
    "Moderator",
    "Moderators",
    "Mod",
    "Mods",
    "Admin",
];

const NAME_MAX: usize = 24;
const TEXT_MAX: usize = 500;

/// Checks a name and tidies its white space.
///
/// # Errors
/// [`Code::Invalid`] about `name`, or [`Code::Conflict`] when it looks like the host's.
pub(crate) fn name(wish: &str) -> Result<String, Problem> {
    let invalid = |why: &str| Problem::new(Code::Invalid, why).about("name");
    let name = tidy(wish)
        .ok_or_else(|| invalid("A name has letters and digits only, no control characters."))?;
    if name.chars().any(hidden) || !name.chars().any(visible) {
        return Err(invalid(
            "Choose a name with 1 to 24 characters that can be seen.",
        ));
    }
    if name.chars().count() > NAME_MAX {
        return Err(invalid(
            "That name is too long. Choose one of up to 24 characters.",
        ));
    }
    if poses(&name) {
        return Err(Problem::new(
            Code::Conflict,
            "That name looks like the host's or a moderator's. Choose another one.",
        )
        .about("name"));
    }
    Ok(name)
}

/// Checks a message and tidies its white space. Markup is text like any other.
///
/// # Errors
/// [`Code::Invalid`] about `text`.
pub(crate) fn text(text: &str) -> Result<String, Problem> {
    let invalid = |why: String| Problem::new(Code::Invalid, why).about("text");
    let text =
        tidy(text).ok_or_else(|| invalid("A message cannot carry control characters.".into()))?;
    if !text.chars().any(visible) {
        return Err(invalid("Write something first.".into()));
    }
    let length = text.chars().count();
    if length > TEXT_MAX {
        return Err(invalid(format!(
            "That message has {length} characters, {TEXT_MAX} are possible. Shorten it."
        )));
    }
    Ok(text)
}

/// Trims, makes runs of line breaks and tabs one space, and refuses other controls with `None`.
fn tidy(text: &str) -> Option<String> {
    let text = text.trim();
    let mut tidy = String::with_capacity(text.len().min(4096));
    let mut broken = false;
    for c in text.chars() {
        if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') {
            broken = true;
            continue;
        }
        if c.is_control() || turns(c) {
            return None;
        }
        if broken && !tidy.ends_with(' ') && c != ' ' {
            tidy.push(' ');
        }
        broken = false;
        tidy.push(c);
    }
    Some(tidy)
}

/// Embeddings, overrides and isolates of direction (Unicode Standard Annex 9).
fn turns(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that leave no mark and no honest name needs: marks of direction, zero-width spaces,
/// fillers, tags, private use.
pub(super) fn hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Whether a character alone can be seen. Joiners and variation selectors, which emoji are made
/// with, cannot.
fn visible(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !hidden(c)
        && !turns(c)
        && !matches!(c, '\u{200D}' | '\u{FE00}'..='\u{FE0F}')
}

/// What tells two names in a room apart: compatibility forms, case, accents, spaces, punctuation and
/// letters of other alphabets that look like Latin ones make no difference.
pub(crate) fn same_as(name: &str) -> String {
    let folded: String = DecomposingNormalizerBorrowed::new_nfkd()
        .normalize(name)
        .chars()
        .map(latin_capital)
        .flat_map(char::to_lowercase)
        .map(latin)
        .filter(|c| c.is_alphanumeric())
        .collect();
    // Names of symbols alone stay as they are.
    if folded.is_empty() {
        name.to_lowercase()
    } else {
        folded
    }
}

/// What a reserved name is measured by: as [`same_as`], and digits that stand for letters do so.
fn looks(name: &str) -> String {
    same_as(name).chars().map(letter_for).collect()
}

/// The letter that a digit stands for, and one letter for those that look the same.
pub(super) fn letter_for(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        c => c,
    }
}

/// Whether a name could be read as that of somebody with a say: as a whole, as one of its words, or
/// with a number behind.
fn poses(name: &str) -> bool {
    let reserved = |part: &str| {
        let bare = part.trim_end_matches(|c: char| c.is_ascii_digit());
        [part, bare].iter().any(|part| {
            let looks = looks(part);
            !looks.is_empty() && RESERVED.iter().any(|r| looks == self::looks(r))
        })
    };
    reserved(name)
        || name
            .split(|c: char| c.is_whitespace() || "-_.,:;/\\()[]{}".contains(c))
            .any(reserved)
}

/// The Latin capital that a capital of another alphabet looks like; some of their small letters look
/// like another one.
pub(super) fn latin_capital(c: char) -> char {
    match c {
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' | 'Ϲ' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'І' | 'Ι' | 'Ӏ' => 'I',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'Х' | 'Χ' => 'X',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        c => c,
    }
}

/// The Latin letter that a lower-case letter of another alphabet looks like, and symbols that are
/// used for letters. After Unicode Technical Standard 39's confusables, the common ones.
pub(super) fn latin(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' | '@' => 'a',
        'ь' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'є' | 'ε' | '€' => 'e',
        'ғ' => 'f',
        'ɡ' | 'ց' => 'g',
        'һ' | 'н' | 'η' | 'հ' | 'ħ' => 'h',
        'і' | 'ι' | 'ı' | 'ɪ' | 'ӏ' | '!' | '|' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ʟ' => 'l',
        'м' | 'μ' => 'm',
        'п' | 'ո' => 'n',
        'о' | 'ο' | 'σ' | 'օ' | 'ᴏ' | 'ø' | 'ө' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' | 'ʀ' => 'r',
        'ѕ' | 'ꜱ' | '$' | 'ſ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ѡ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ᴢ' => 'z',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (wish, expect) in [
            ("Anna", Ok("Anna")),
            ("  Anna  ", Ok("Anna")),
            ("a", Ok("a")),
            ("Jürgen Müller-Lüdenscheidt", Err("too long")),
            ("Zoë 🎸", Ok("Zoë 🎸")),
            ("👩‍👩‍👧", Ok("👩‍👩‍👧")),
            ("李雷", Ok("李雷")),
            ("דנה", Ok("דנה")),
            ("<b>bold</b>", Ok("<b>bold</b>")),
            ("Hostess", Ok("Hostess")),
            ("Ghost", Ok("Ghost")),
            ("123456789012345678901234", Ok("123456789012345678901234")),
            ("1234567890123456789012345", Err("too long")),
            ("", Err("1 to 24")),
            ("   ", Err("1 to 24")),
            ("\u{200B}", Err("1 to 24")),
            ("\u{200D}\u{FE0F}", Err("1 to 24")),
            ("\u{3164}", Err("1 to 24")),
            ("An\u{200B}na", Err("1 to 24")),
            ("An\u{0000}na", Err("control")),
            ("An\u{001B}[31mna", Err("control")),
            ("An\u{202E}na", Err("control")),
            ("An\u{2067}na", Err("control")),
            ("An\u{0085}na", Err("control")),
            ("An\nna", Ok("An na")),
            ("Host", Err("host's")),
            ("HOST", Err("host's")),
            (" h o s t ", Err("host's")),
            ("H0st", Err("host's")),
            ("Ho$t", Err("host's")),
            ("Hóst", Err("host's")),
            ("Ｈｏｓｔ", Err("host's")),
            ("𝐇𝐨𝐬𝐭", Err("host's")),
            ("Ноѕт", Err("host's")),
            ("Ηοst", Err("host's")),
            ("*Host*", Err("host's")),
            ("kl1eg", Err("host's")),
            ("m0derator", Err("host's")),
            ("Host 2", Err("host's")),
            ("host2", Err("host's")),
            ("The Host", Err("host's")),
            ("Mod Anna", Err("host's")),
            ("Anna (mod)", Err("host's")),
            ("Admin_1", Err("host's")),
            ("Modest", Ok("Modest")),
            ("Hosting Anna", Ok("Hosting Anna")),
            ("1234", Ok("1234")),
        ] {
            let got = name(wish);
            match (&got, expect) {
                (Ok(got), Ok(expect)) => assert_eq!(got, expect),
                (Err(problem), Err(word)) => {
                    assert!(problem.message.contains(word), "{wish:?}: {problem}");
                    assert_eq!(problem.subject.as_deref(), Some("name"));
                }
                _ => panic!("{wish:?}: {got:?}, expected {expect:?}"),
            }
        }
    }

    #[test]
    fn names_that_look_alike_are_the_same() {
        for (a, b) in [
            ("Anna", "anna"),
            ("Anna", "А n n а"),
            ("Zoë", "Zoe"),
            ("ВЕRTА", "Berta"),
            ("ΝΑΝΑ", "Nana"),
            ("max_m", "max m"),
            ("Ｍａｘ", "max"),
        ] {
            assert_eq!(same_as(a), same_as(b), "{a} {b}");
        }
        for (a, b) in [
            ("Anna", "Anne"),
            ("user1", "user2"),
            ("🎸", "🥁"),
            ("李雷", "韩梅"),
        ] {
            assert_ne!(same_as(a), same_as(b), "{a} {b}");
        }
    }

    #[test]
    fn messages() {
        let long = "ü".repeat(500);
        let longer = "ü".repeat(501);
        let padded = format!("  {long}\n\n");
        for (said, expect) in [
            ("hello", Ok("hello")),
            ("  hello  ", Ok("hello")),
            ("<script>alert(1)</script>", Ok("<script>alert(1)</script>")),
            ("&lt; & \"'`", Ok("&lt; & \"'`")),
            ("one\ntwo", Ok("one two")),
            ("one \r\n\t two", Ok("one  two")),
            ("שלום עולם", Ok("שלום עולם")),
            ("right\u{200F}mark", Ok("right\u{200F}mark")),
            (long.as_str(), Ok(long.as_str())),
            (padded.as_str(), Ok(long.as_str())),
            (longer.as_str(), Err("501")),
            ("", Err("Write something")),
            (" \n\t ", Err("Write something")),
            ("\u{200B}\u{FEFF}", Err("Write something")),
            ("nul\u{0}", Err("control")),
            ("bell\u{7}", Err("control")),
            ("esc\u{1b}[2J", Err("control")),
            ("del\u{7f}x", Err("control")),
            ("c1\u{9b}x", Err("control")),
            ("over\u{202E}ride", Err("control")),
            ("iso\u{2066}late", Err("control")),
        ] {
            let got = text(said);
            match (&got, expect) {
                (Ok(got), Ok(expect)) => assert_eq!(got, expect),
                (Err(problem), Err(word)) => {
                    assert!(problem.message.contains(word), "{said:?}: {problem}");
                    assert_eq!(problem.code, Code::Invalid);
                }
                _ => panic!("{said:?}: {got:?}, expected {expect:?}"),
            }
        }
    }
}
