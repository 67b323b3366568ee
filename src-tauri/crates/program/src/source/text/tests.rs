use super::*;

fn style() -> TextStyle {
    TextStyle {
        size: 40.0,
        ..TextStyle::default()
    }
}

fn raster(text: &str, style: &TextStyle) -> Frame {
    Raster::new().raster(text, style, 1280.0, Timestamp::ZERO)
}

fn pixels(frame: &Frame) -> Vec<[u8; 4]> {
    let bytes = frame.planes()[0].data.chunks_exact(4);
    bytes.map(|p| [p[0], p[1], p[2], p[3]]).collect()
}

fn inked(frame: &Frame) -> usize {
    pixels(frame).iter().filter(|pixel| pixel[3] > 0).count()
}

#[test]
fn text_is_drawn_in_its_colour_on_nothing() {
    let frame = raster(
        "Klieg",
        &TextStyle {
            color: "#ff8000".into(),
            ..style()
        },
    );
    let pixels = pixels(&frame);
    assert!(pixels.contains(&[0xff, 0x80, 0, 255]), "letters are filled");
    assert_eq!(pixels[0], [0; 4], "corners are clear");
    assert!((80..=140).contains(&frame.width()), "{}", frame.width());
    assert_eq!(frame.height(), 50, "one line of 1.25 × 40");
}

#[test]
fn bold_letters_have_more_ink() {
    let bold = TextStyle {
        bold: true,
        ..style()
    };
    assert!(inked(&raster("Klieg", &bold)) > inked(&raster("Klieg", &style())));
}

#[test]
fn lines_are_kept_and_long_ones_wrapped() {
    assert_eq!(raster("one\ntwo\nthree", &style()).height(), 150);
    let text = "a lower third that is far too long for its place";
    let frame = Raster::new().raster(text, &style(), 300.0, Timestamp::ZERO);
    assert!(
        frame.width() <= 300 && frame.height() >= 150,
        "{}×{}",
        frame.width(),
        frame.height()
    );
    let word = Raster::new().raster(&"w".repeat(200), &style(), 300.0, Timestamp::ZERO);
    assert!(word.width() <= 300, "{}", word.width());
}

#[test]
fn a_background_reaches_as_far_as_its_padding() {
    let frame = raster(
        "Klieg",
        &TextStyle {
            background: Some("#10203080".into()),
            padding: 12.0,
            ..style()
        },
    );
    let plain = raster("Klieg", &style());
    assert_eq!(frame.width(), plain.width() + 24);
    assert_eq!(frame.height(), plain.height() + 24);
    let corner = pixels(&frame)[0];
    assert_eq!(corner[3], 0x80);
    for (got, want) in corner.iter().zip([0x10, 0x20, 0x30]) {
        assert!(got.abs_diff(want) <= 1);
    }
}

#[test]
fn outline_and_shadow_lie_under_the_letters_and_within_the_background() {
    let outlined = TextStyle {
        outline: Some("#0000ff".into()),
        outline_width: 4.0,
        ..style()
    };
    let frame = raster("Klieg", &outlined);
    let pixels_of = pixels(&frame);
    assert!(pixels_of.contains(&[0, 0, 255, 255]) && pixels_of.contains(&[255; 4]));
    let plain = raster("Klieg", &style());
    assert_eq!(frame.width(), plain.width() + 2 * 5);

    let shadowed = TextStyle {
        shadow: true,
        color: "#ffffff".into(),
        ..style()
    };
    let frame = raster("Klieg", &shadowed);
    let dark = pixels(&frame)
        .iter()
        .filter(|pixel| pixel[3] > 20 && pixel[0] < 20)
        .count();
    assert!(dark > 200, "{dark}");
}

#[test]
fn an_outline_is_as_wide_as_it_says() {
    let mut mask = Mask::new(31, 31);
    mask.add((15, 15), (1, 1), &[255]);
    let mut canvas = Canvas::new(31, 31);
    canvas.draw(&mask.grown(5.0), 0, [255; 4]);
    let bytes = canvas.into_straight();
    let alpha = |x: usize, y: usize| bytes[(y * 31 + x) * 4 + 3];
    assert_eq!([alpha(15, 20), alpha(20, 15), alpha(15, 10)], [128; 3]);
    assert_eq!([alpha(15, 19), alpha(11, 15)], [255; 2]);
    assert_eq!([alpha(15, 21), alpha(20, 20)], [0; 2]);
    assert_eq!(alpha(18, 18), 255, "round, not square: √18 away");
}

#[test]
fn nothing_makes_it_fail() {
    let mut raster = Raster::new();
    for text in [
        "",
        " ",
        "\n\n",
        "\t",
        "\u{0}\u{7}\u{202e}x",
        "日本語 עברית 🎬",
        &"x\n".repeat(3000),
    ] {
        for (size, width) in [
            (f32::NAN, 200.0),
            (-1.0, f32::NAN),
            (4.0, 0.0),
            (1000.0, 200.0),
        ] {
            if text.chars().count() > 2 && size > 4.0 {
                continue;
            }
            let wild = TextStyle {
                font: "No Such Font".into(),
                size,
                color: "nonsense".into(),
                background: Some("#12".into()),
                padding: f32::INFINITY,
                outline: Some("#zzzzzz".into()),
                outline_width: 1e9,
                ..style()
            };
            let frame = raster.raster(text, &wild, width, Timestamp::ZERO);
            assert!(frame.width() >= 1 && frame.height() >= 1);
        }
    }
}

#[test]
fn bundled_families_are_found_whatever_their_case() {
    let mut raster = Raster::new();
    for (wanted, found) in [("inter", SANS), ("JETBRAINS MONO", MONO)] {
        assert_eq!(raster.family(wanted).as_deref(), Some(found));
    }
    let mono = TextStyle {
        font: MONO.into(),
        ..style()
    };
    let narrow = raster.raster("11111", &mono, 1280.0, Timestamp::ZERO);
    let wide = raster.raster("88888", &mono, 1280.0, Timestamp::ZERO);
    assert_eq!(narrow.width(), wide.width());
    assert!(!raster.with_system, "bundled fonts need no others");
}
