use std::net::Ipv4Addr;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn rooms(people: &[(u32, &str)]) -> Rooms<u32> {
    let mut rooms = Rooms::default();
    for (who, channel) in people {
        let address = Ipv4Addr::from(*who).into();
        rooms.enter(*who, address, at(0));
        rooms.join(*who, channel, Coming::default()).unwrap();
    }
    rooms
}

fn name(rooms: &mut Rooms<u32>, who: u32, wish: &str) -> Result<String, Code> {
    let named = rooms.name(who, wish, None, format!("{KEY}{who}"));
    named.map(|n| n.name).map_err(|p| p.code)
}

/// Says something in a room without slow mode.
fn say(rooms: &mut Rooms<u32>, who: u32, said: &str, now: Timestamp) -> Result<Saying, Problem> {
    let saying = rooms.saying(who, said)?;
    rooms.say(who, &saying, Duration::ZERO, now)?;
    Ok(saying)
}

#[test]
fn a_room_then_a_name_then_a_message() {
    let mut rooms = Rooms::default();
    assert_eq!(
        say(&mut rooms, 1, "hi", at(0)).unwrap_err().code,
        Code::Conflict
    );
    rooms.enter(1, Ipv4Addr::LOCALHOST.into(), at(0));
    let problem = say(&mut rooms, 1, "hi", at(0)).unwrap_err();
    assert_eq!(problem.subject.as_deref(), Some("channel"));
    assert_eq!(name(&mut rooms, 1, "Anna"), Err(Code::Conflict));
    rooms.join(1, "program", Coming::default()).unwrap();
    let problem = say(&mut rooms, 1, "hi", at(0)).unwrap_err();
    assert_eq!(
        (problem.code, problem.subject.as_deref()),
        (Code::Conflict, Some("name"))
    );
    assert_eq!(name(&mut rooms, 1, " Anna ").as_deref(), Ok("Anna"));
    let saying = Saying {
        channel: "program".into(),
        name: "Anna".into(),
        text: "<i>hi</i>".into(),
        identity: identity(&format!("{KEY}1")),
        address: Ipv4Addr::LOCALHOST.into(),
        moderates: false,
    };
    assert_eq!(say(&mut rooms, 1, " <i>hi</i> ", at(0)), Ok(saying));
}

#[test]
fn a_name_is_one_persons_in_a_room_while_they_are_there() {
    let mut rooms = rooms(&[(1, "a"), (2, "a"), (3, "b")]);
    assert!(name(&mut rooms, 1, "Anna").is_ok());
    assert_eq!(name(&mut rooms, 2, "ANNA"), Err(Code::Conflict));
    assert_eq!(name(&mut rooms, 2, "Аnnа"), Err(Code::Conflict), "Cyrillic");
    assert!(name(&mut rooms, 3, "Anna").is_ok(), "another room");
    assert!(
        name(&mut rooms, 1, "anna").is_ok(),
        "one's own, written otherwise"
    );
    assert!(name(&mut rooms, 2, "Berta").is_ok());
    assert!(name(&mut rooms, 1, "Clara").is_ok());
    assert!(name(&mut rooms, 2, "Anna").is_ok(), "free again");
    rooms.leave(2);
    assert!(name(&mut rooms, 1, "Anna").is_ok());
    assert_eq!(name(&mut rooms, 2, "Anna"), Err(Code::Conflict), "gone");
    assert_eq!(name(&mut rooms, 1, "Host"), Err(Code::Conflict));
    assert_eq!(name(&mut rooms, 1, ""), Err(Code::Invalid));
}

#[test]
fn a_name_goes_along_to_another_room_where_it_is_free() {
    let mut rooms = rooms(&[(1, "a"), (2, "b")]);
    name(&mut rooms, 1, "Anna").unwrap();
    name(&mut rooms, 2, "anna").unwrap();
    assert_eq!(
        rooms.join(1, "c", Coming::default()).unwrap().as_deref(),
        Some("Anna")
    );
    assert_eq!(rooms.join(1, "b", Coming::default()).unwrap(), None);
    assert_eq!(
        say(&mut rooms, 1, "hi", at(0))
            .unwrap_err()
            .subject
            .as_deref(),
        Some("name")
    );
    assert_eq!(rooms.room(1), Some("b"));
    assert!(!rooms.occupied("a") && rooms.occupied("b"));
    assert_eq!(rooms.rooms().into_iter().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn who_comes_back_takes_their_name_over_with_its_key() {
    let mut rooms = rooms(&[(1, "a"), (2, "a"), (3, "a")]);
    let named = rooms.name(1, "Anna", None, KEY.into()).unwrap();
    assert_eq!(named.key, KEY);
    let wrong = rooms.name(3, "Anna", Some("fedcba9876543210"), "x".into());
    assert_eq!(wrong.unwrap_err().code, Code::Conflict);
    let again = rooms.name(2, "Anna", Some(KEY), "x".into()).unwrap();
    assert_eq!(again, named);
    let old = say(&mut rooms, 1, "hi", at(0)).unwrap_err();
    assert_eq!(
        old.subject.as_deref(),
        Some("name"),
        "the old connection lost it"
    );
    assert!(say(&mut rooms, 2, "hi", at(0)).is_ok());
}

#[test]
fn one_persons_flood_is_refused_and_is_nobody_elses() {
    let mut rooms = rooms(&[(1, "a"), (2, "a")]);
    name(&mut rooms, 1, "Anna").unwrap();
    name(&mut rooms, 2, "Berta").unwrap();
    let said = (0..1000)
        .filter(|n| say(&mut rooms, 1, "spam", at(*n)).is_ok())
        .count();
    assert_eq!(said, 5);
    assert_eq!(
        say(&mut rooms, 1, "spam", at(999)).unwrap_err().code,
        Code::TooMany
    );
    assert!(say(&mut rooms, 2, "hello", at(999)).is_ok());
    assert!(say(&mut rooms, 1, "sorry", at(2000)).is_ok());
}

#[test]
fn what_is_not_said_does_not_count_as_said() {
    let mut rooms = rooms(&[(1, "a")]);
    name(&mut rooms, 1, "Anna").unwrap();
    for _ in 0..50 {
        assert_eq!(
            say(&mut rooms, 1, "", at(0)).unwrap_err().code,
            Code::Invalid
        );
    }
    assert!(say(&mut rooms, 1, "hello", at(0)).is_ok());
}

#[test]
fn requests_of_any_kind_are_limited_too() {
    let mut rooms = rooms(&[(1, "a"), (2, "a")]);
    let passed = (0..100).filter(|_| rooms.call(1, at(0)).is_ok()).count();
    assert_eq!(passed, 20);
    assert!(rooms.call(2, at(0)).is_ok());
    assert!(rooms.call(1, at(1000)).is_ok());
}

#[test]
fn connecting_again_does_not_refill_an_address() {
    let mut rooms = Rooms::default();
    let mut said = 0;
    for who in 1..100 {
        // Any address of one network is that of any other there.
        let address = format!("fd00::{who}").parse().unwrap();
        rooms.enter(who, address, at(0));
        rooms.join(who, "a", Coming::default()).unwrap();
        name(&mut rooms, who, &format!("bot {who}")).unwrap();
        while say(&mut rooms, who, "spam", at(0)).is_ok() {
            said += 1;
        }
        rooms.leave(who);
    }
    assert_eq!(said, 40);
    assert!(rooms.addresses.len() == 1 && rooms.members.is_empty());
}

#[test]
fn addresses_that_nobody_is_here_from_are_forgotten_in_time() {
    let mut rooms = Rooms::default();
    for who in 0..3 * ADDRESSES as u32 {
        let second = i64::from(who) * 1_000;
        rooms.enter(who, Ipv4Addr::from(0x0a00_0000 + who).into(), at(second));
        rooms.join(who, "a", Coming::default()).unwrap();
        name(&mut rooms, who, "Anna").unwrap();
        say(&mut rooms, who, "hello", at(second)).unwrap();
        rooms.leave(who);
        assert!(rooms.addresses.len() <= ADDRESSES);
    }
}

#[test]
fn slow_mode_waits_for_each_person_and_not_for_moderators() {
    let mut rooms = rooms(&[(1, "a"), (2, "a")]);
    name(&mut rooms, 1, "Anna").unwrap();
    name(&mut rooms, 2, "Berta").unwrap();
    let slow = Duration::from_secs(30);
    let mut said = |who, moderates, millis| {
        let saying = Saying {
            moderates,
            ..rooms.saying(who, "hi").unwrap()
        };
        rooms.say(who, &saying, slow, at(millis))
    };
    for (who, moderates, millis, fine) in [
        (1, false, 0, true),
        (1, false, 29_001, false),
        (2, false, 29_001, true),
        (1, true, 29_001, true),
        (1, false, 30_000, true),
        (1, false, 59_999, false),
    ] {
        let got = said(who, moderates, millis);
        assert_eq!(got.is_ok(), fine, "{who} at {millis}");
        if let Err(problem) = got {
            assert!(problem.message.contains(" 1 s"), "{problem}");
        }
    }
    // Coming back under the same key is the same person.
    rooms.leave(1);
    rooms.enter(1, Ipv4Addr::LOCALHOST.into(), at(50_000));
    rooms.join(1, "a", Coming::default()).unwrap();
    rooms
        .name(1, "Anna", Some(&format!("{KEY}1")), KEY.into())
        .unwrap();
    let saying = rooms.saying(1, "hi").unwrap();
    assert!(rooms.say(1, &saying, slow, at(59_000)).is_err());
}
