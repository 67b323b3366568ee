use super::*;
use crate::testing::Noise;

fn check(bytes: &[u8], expect: Result<Vec<Value>, Error>) {
    assert_eq!(read(bytes), expect, "{bytes:02x?}");
}

#[test]
fn values_as_the_specification_writes_them() {
    check(&[], Ok(vec![]));
    check(
        &[0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        Ok(vec![Value::Number(1.0)]),
    );
    check(&[1, 1, 1, 0], Ok(vec![true.into(), false.into()]));
    check(&[2, 0, 2, b'h', b'i'], Ok(vec!["hi".into()]));
    check(&[12, 0, 0, 0, 2, b'h', b'i'], Ok(vec!["hi".into()]));
    check(&[5, 6], Ok(vec![Value::Null, Value::Undefined]));
    check(
        &[3, 0, 1, b'a', 5, 0, 0, 9],
        Ok(vec![Value::object([("a", Value::Null)])]),
    );
    check(
        &[16, 0, 1, b'T', 0, 1, b'a', 5, 0, 0, 9],
        Ok(vec![Value::object([("a", Value::Null)])]),
    );
    // An ECMA array whose count says zero and one whose count exaggerates.
    for count in [0, 0xff] {
        check(
            &[8, 0, 0, 0, count, 0, 1, b'a', 5, 0, 0, 9],
            Ok(vec![Value::ecma_array([("a", Value::Null)])]),
        );
    }
    check(
        &[10, 0, 0, 0, 2, 5, 6],
        Ok(vec![Value::Array(vec![Value::Null, Value::Undefined])]),
    );
    check(
        &[11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        Ok(vec![Value::Date(0.0)]),
    );
    check(&[2, 0, 1, 0xff], Ok(vec!["\u{fffd}".into()]));
}

#[test]
fn what_is_refused() {
    for cut in [
        &[0, 0x3f][..],
        &[1],
        &[2, 0],
        &[2, 0, 3, b'a'],
        &[12, 0xff, 0xff, 0xff, 0xff],
        &[3],
        &[3, 0, 1, b'a', 5],
        &[8, 0, 0, 0],
        &[10, 0xff, 0xff, 0xff, 0xff],
        &[10, 0xff, 0xff, 0xff, 0xff, 5],
        &[11, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        check(cut, Err(Error::Truncated));
    }
    for kind in [4, 7, 9, 0x0d, 0x0e, 0x11, 0xff] {
        check(&[kind, 0, 0, 0], Err(Error::Type(kind)));
    }
    check(&[5; MAX_VALUES + 1], Err(Error::TooMany));
}

#[test]
fn fifty_kilobytes_of_nested_arrays_are_refused_and_not_followed() {
    let strict = [10, 0, 0, 0, 1].repeat(10_000);
    check(&strict, Err(Error::TooDeep));
    let object = [3, 0, 1, b'a'].repeat(12_500);
    check(&object, Err(Error::TooDeep));
    let ecma = [8, 0, 0, 0, 0, 0, 1, b'a'].repeat(6_250);
    check(&ecma, Err(Error::TooDeep));
}

#[test]
fn what_is_written_is_read_back() {
    let values = vec![
        Value::from("connect"),
        Value::from(1.0),
        Value::object([
            ("app", "live".into()),
            (
                "nested",
                Value::object([("list", Value::Array(vec![true.into()]))]),
            ),
        ]),
        Value::ecma_array([("width", 1280.0.into()), ("stereo", true.into())]),
        Value::Date(1e12),
        Value::Null,
        Value::Undefined,
        Value::String("x".repeat(70_000)),
    ];
    assert_eq!(read(&write(&values)), Ok(values));
}

#[test]
fn noise_never_panics() {
    let mut noise = Noise::new(1);
    for _ in 0..20_000 {
        let mut bytes = noise.bytes(64);
        // Mostly small numbers, so that types and lengths make sense more often than not.
        for byte in &mut bytes {
            *byte %= 17;
        }
        drop(read(&bytes));
    }
    let whole = write(&[
        Value::from("onMetaData"),
        Value::ecma_array([("a", Value::object([("b", 1.0.into())]))]),
    ]);
    for _ in 0..20_000 {
        let mut bytes = whole.to_vec();
        noise.damage(&mut bytes);
        drop(read(&bytes));
    }
}
