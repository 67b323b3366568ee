//! A channel's chat in the picture.
//!
//! Each message is drawn once; the picture is put together beside the program when messages come, go or fade.

use std::collections::BTreeMap;
use std::sync::Arc;

use media::{Clock, Frame, Samples, Timestamp};
use parking_lot::Mutex;
use scene::{ChatOverlay, Newest, SourceKind};

use super::feeds::{Line, Room};
use super::painter::Painter;
use super::text::{Pixels, Span};
use super::{Feeds, Showing, Source, State, Status, color, raster};

/// How long a message takes to fade, in milliseconds.
const FADE_MS: i64 = 1000;

/// Steps of a fade: more are not seen, and each is a picture.
const STEPS: i64 = 16;

/// Colours of names, readable on dark and on video.
const NAMES: [[u8; 4]; 10] = [
    [0xff, 0x8a, 0x80, 255],
    [0xff, 0xab, 0x6e, 255],
    [0xf6, 0xd3, 0x65, 255],
    [0xb9, 0xe7, 0x69, 255],
    [0x69, 0xdb, 0x9e, 255],
    [0x5f, 0xd9, 0xd6, 255],
    [0x74, 0xb9, 0xff, 255],
    [0xa2, 0x9b, 0xff, 255],
    [0xd9, 0x9b, 0xff, 255],
    [0xff, 0x8f, 0xc7, 255],
];

/// The colour of the host and of those who keep order: the studio's own amber.
const HOUSE: [u8; 4] = [0xf5, 0xa5, 0x24, 255];

/// The chat of a channel.
pub(super) struct Chat {
    clock: Clock,
    feeds: Arc<Feeds>,
    desk: Mutex<(Arc<ChatOverlay>, Arc<Room>)>,
    painter: Painter<Wish>,
}

/// What is to be drawn.
#[derive(Clone)]
struct Wish {
    overlay: Arc<ChatOverlay>,
    room: Arc<Room>,
    /// Which messages, and how far they have faded.
    state: u64,
    /// When, in milliseconds since 1970 UTC.
    now: i64,
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
            && Arc::ptr_eq(&self.overlay, &other.overlay)
            && Arc::ptr_eq(&self.room, &other.room)
    }
}

pub(super) fn chat(overlay: &ChatOverlay, feeds: &Arc<Feeds>, clock: Clock) -> Chat {
    let mut easel = Easel::default();
    Chat {
        clock,
        desk: Mutex::new((Arc::new(overlay.clone()), feeds.room(&overlay.channel))),
        feeds: Arc::clone(feeds),
        painter: Painter::new(move |wish: &Wish| easel.draw(wish)),
    }
}

/// How much of a message is seen at a time, of [`STEPS`].
fn seen(overlay: &ChatOverlay, said_at: i64, now: i64) -> i64 {
    if overlay.fade_after <= 0.0 {
        return STEPS;
    }
    let stays = (f64::from(overlay.fade_after) * 1000.0) as i64;
    let over = now.saturating_sub(said_at).saturating_sub(stays);
    let left = (FADE_MS - over).clamp(0, FADE_MS);
    (left * STEPS + FADE_MS - 1) / FADE_MS
}

impl Source for Chat {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let (overlay, room) = self.desk.lock().clone();
        let now = self.clock.unix_millis(at);
        // FNV-1a over what is seen: the same figure, the same picture.
        let mut state = room.version() ^ 0xcbf2_9ce4_8422_2325;
        room.ages(overlay.count as usize, |id, said_at| {
            for part in [id, seen(&overlay, said_at, now)] {
                state = (state ^ part as u64).wrapping_mul(0x0100_0000_01b3);
            }
        });
        let wish = Wish {
            overlay,
            room,
            state,
            now,
        };
        self.painter.picture(&wish, None)
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, _showing: Showing, _now: Timestamp) {}

    fn set(&self, _name: &str, kind: &SourceKind) -> bool {
        let SourceKind::Chat(overlay) = kind else {
            return false;
        };
        let room = self.feeds.room(&overlay.channel);
        *self.desk.lock() = (Arc::new(overlay.clone()), room);
        true
    }

    fn settled(&self) -> bool {
        self.painter.settled()
    }

    fn status(&self) -> Status {
        let channel = self.desk.lock().0.channel.clone();
        Status {
            state: State::Running,
            detail: Some(format!("of channel {channel}")),
            ..Status::default()
        }
    }
}

/// Puts messages together. Keeps each as it was drawn.
#[derive(Default)]
struct Easel {
    overlay: Option<Arc<ChatOverlay>>,
    drawn: BTreeMap<i64, Pixels>,
}

impl Easel {
    fn draw(&mut self, wish: &Wish) -> Frame {
        let overlay = &wish.overlay;
        if !self
            .overlay
            .as_ref()
            .is_some_and(|of| Arc::ptr_eq(of, overlay))
        {
            self.drawn.clear();
            self.overlay = Some(Arc::clone(overlay));
        }
        let lines = wish.room.lines(overlay.count as usize);
        self.drawn
            .retain(|id, _| lines.iter().any(|line| line.id == *id));
        let mut picture = Pixels {
            width: overlay.width,
            height: overlay.height,
            data: vec![0; overlay.width as usize * overlay.height as usize * 4],
        };
        let gap = (overlay.style.size * 0.2).round().max(2.0) as i64;
        let height = i64::from(overlay.height);
        let mut free = 0;
        // The newest first, from its edge inwards.
        for line in lines.iter().rev() {
            let part = seen(overlay, line.at, wish.now);
            if part == 0 {
                continue;
            }
            let message = self
                .drawn
                .entry(line.id)
                .or_insert_with(|| message(line, overlay));
            let tall = i64::from(message.height);
            let top = match overlay.newest {
                Newest::Bottom => height - free - tall,
                Newest::Top => free,
            };
            if free >= height {
                break;
            }
            lay(&mut picture, message, top, part);
            free += tall + gap;
        }
        picture.into_frame(Timestamp::ZERO)
    }
}

/// A message as it is drawn: its name in its colour, then its text.
fn message(line: &Line, overlay: &ChatOverlay) -> Pixels {
    let name = one_line(&line.name);
    let text = format!("  {}", one_line(&line.text));
    let own = overlay.name_color.as_deref();
    let own = own.and_then(|text| color::parse(text).ok());
    let spans = [
        Span {
            text: &name,
            color: Some(own.unwrap_or_else(|| color_of(line))),
            bold: true,
        },
        Span::plain(&text),
    ];
    raster()
        .lock()
        .spans(&spans, &overlay.style, overlay.width as f32)
}

/// Everybody's own colour, the same in every message.
fn color_of(line: &Line) -> [u8; 4] {
    if line.of_house {
        return HOUSE;
    }
    let sum = line
        .name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    NAMES[(sum % NAMES.len() as u64) as usize]
}

/// Nobody breaks out of their line.
fn one_line(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(plain).collect()
}

/// Lays a message into the picture, `part` of [`STEPS`] of it; what stands over is cut off.
fn lay(picture: &mut Pixels, message: &Pixels, top: i64, part: i64) {
    let width = picture.width.min(message.width) as usize * 4;
    let rows = message.data.chunks_exact(message.width as usize * 4);
    for (row, y) in rows.zip(top..) {
        let Ok(y) = usize::try_from(y) else { continue };
        let begin = y * picture.width as usize * 4;
        let Some(to) = picture.data.get_mut(begin..begin + width) else {
            return;
        };
        to.copy_from_slice(&row[..width]);
        if part < STEPS {
            for pixel in to.as_chunks_mut::<4>().0 {
                pixel[3] = (i64::from(pixel[3]) * part / STEPS) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::TextStyle;

    fn line(id: i64, name: &str, text: &str) -> Line {
        Line {
            id,
            name: name.into(),
            of_house: false,
            text: text.into(),
            at: id * 1000,
        }
    }

    fn overlay() -> ChatOverlay {
        ChatOverlay {
            width: 300,
            height: 200,
            count: 4,
            style: TextStyle {
                size: 20.0,
                ..TextStyle::default()
            },
            ..ChatOverlay::default()
        }
    }

    /// The picture of a room at a time.
    fn draw(overlay: &ChatOverlay, feeds: &Feeds, now: i64) -> Frame {
        Easel::default().draw(&Wish {
            overlay: Arc::new(overlay.clone()),
            room: feeds.room("program"),
            state: 0,
            now,
        })
    }

    /// Rows with ink, from the first to the last.
    fn rows(frame: &Frame) -> Option<(usize, usize)> {
        let rows = frame.planes()[0].data.chunks(frame.width() as usize * 4);
        let inked: Vec<usize> = rows
            .enumerate()
            .filter(|(_, row)| row.chunks(4).any(|pixel| pixel[3] > 100))
            .map(|(y, _)| y)
            .collect();
        Some((*inked.first()?, *inked.last()?))
    }

    fn most(frame: &Frame) -> u8 {
        let pixels = frame.planes()[0].data.chunks(4);
        pixels.map(|pixel| pixel[3]).max().unwrap_or(0)
    }

    fn room(lines: &[(i64, &str)]) -> (Feeds, Arc<Room>) {
        let feeds = Feeds::default();
        // Kept, so that the room is.
        let room = feeds.room("program");
        for (id, text) in lines {
            feeds.said("program", line(*id, "ana", text));
        }
        (feeds, room)
    }

    #[test]
    fn the_newest_stands_at_its_edge_and_as_many_as_wanted_are_shown() {
        let all = [
            (1, "one"),
            (2, "two"),
            (3, "three"),
            (4, "four"),
            (5, "five"),
            (6, "six"),
        ];
        let (feeds, _room) = room(&all);
        let bottom = draw(&overlay(), &feeds, 9_000);
        let (first, last) = rows(&bottom).unwrap();
        // Four lines of 25 and three gaps of 4, from the bottom.
        assert!(
            (88..=100).contains(&first) && last > 185,
            "{first} to {last}"
        );
        let top = ChatOverlay {
            newest: Newest::Top,
            count: 1,
            ..overlay()
        };
        let (first, last) = rows(&draw(&top, &feeds, 9_000)).unwrap();
        assert!(first < 10 && last < 25, "{first} to {last}");
    }

    #[test]
    fn a_message_that_is_deleted_vanishes() {
        let (feeds, _room) = room(&[(1, "kind"), (2, "rude")]);
        let both = rows(&draw(&overlay(), &feeds, 0)).unwrap();
        feeds.deleted("program", Some(&[2]));
        let one = rows(&draw(&overlay(), &feeds, 0)).unwrap();
        assert!(one.0 > both.0 + 20, "{one:?} and {both:?}");
        feeds.deleted("program", None);
        assert_eq!(rows(&draw(&overlay(), &feeds, 0)), None);
    }

    #[test]
    fn messages_fade_after_their_time() {
        let (feeds, _room) = room(&[(10, "hello")]);
        let fading = ChatOverlay {
            fade_after: 5.0,
            ..overlay()
        };
        for (now, least, greatest) in [
            (10_000, 250, 255),
            (15_000, 250, 255),
            (15_500, 110, 145),
            (15_990, 1, 20),
            (16_000, 0, 0),
            (1 << 60, 0, 0),
        ] {
            let alpha = most(&draw(&fading, &feeds, now));
            assert!((least..=greatest).contains(&alpha), "{alpha} at {now}");
        }
    }

    #[test]
    fn names_have_colours_and_nobody_leaves_their_line() {
        let (feeds, _room) = room(&[]);
        let mut host = line(1, "host", "welcome");
        host.of_house = true;
        feeds.said("program", host);
        let has = |frame: &Frame, wanted: [u8; 4]| {
            frame.planes()[0]
                .data
                .chunks(4)
                .any(|pixel| pixel == wanted)
        };
        let frame = draw(&overlay(), &feeds, 0);
        assert!(has(&frame, HOUSE) && has(&frame, [255; 4]));
        let blue = ChatOverlay {
            name_color: Some("#0000ff".into()),
            ..overlay()
        };
        assert!(has(&draw(&blue, &feeds, 0), [0, 0, 255, 255]));
        assert_eq!(color_of(&line(1, "ana", "")), color_of(&line(2, "ana", "")));
        assert_eq!(one_line("a\nb\u{7}c"), "a b c");
    }
}
