//! Transitions: how one scene takes the place of another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::parameter::{choices, parameters};
use crate::{Described, Invalid};

/// The shortest and the longest transition, in ms.
const DURATION: (f64, f64) = (50.0, 20_000.0);

/// How one scene takes the place of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Transition {
    /// What happens.
    #[serde(flatten)]
    pub kind: TransitionKind,
    /// How long it takes, 50 to 20,000 ms; a cut takes none. A stinger's video is shown for so long.
    #[serde(default = "usual")]
    pub duration_ms: u32,
}

fn usual() -> u32 {
    400
}

impl Default for Transition {
    fn default() -> Self {
        Self {
            kind: TransitionKind::Cut(Cut {}),
            duration_ms: usual(),
        }
    }
}

choices! {
    /// Where the new scene goes.
    Direction {
        /// To the left edge.
        Left = "left", "To the left";
        /// To the right edge.
        Right = "right", "To the right";
        /// To the top edge.
        Up = "up", "Up";
        /// To the bottom edge.
        Down = "down", "Down";
    }
}

choices! {
    /// The shape of a wipe.
    WipeShape {
        /// From left to right.
        Bar = "bar", "Bar";
        /// From top to bottom.
        Curtain = "curtain", "Curtain";
        /// From the top left corner.
        Diagonal = "diagonal", "Diagonal";
        /// From the middle.
        Circle = "circle", "Circle";
        /// From the middle.
        Diamond = "diamond", "Diamond";
        /// Once around.
        Clock = "clock", "Clock";
        /// Slats that turn.
        Blinds = "blinds", "Blinds";
        /// Grains all over.
        Dissolve = "dissolve", "Dissolve";
    }
}

parameters! {
    /// At once.
    Cut("cut", "Cut", "At once") {}
}

parameters! {
    /// One scene fades into the other.
    Fade("fade", "Fade", "One scene fades into the other") {}
}

parameters! {
    /// To a colour, and from there to the new scene.
    FadeToColor("fade_to_color", "Fade to colour", "To a colour, and from there to the new scene") {
        /// Half way.
        color: String = color("#000000"), "Colour";
    }
}

parameters! {
    /// The new scene moves over the old one.
    Slide("slide", "Slide", "The new scene moves over the old one") {
        /// Where it moves.
        direction: Direction = choice(Direction::Left, "left", Direction::OPTIONS), "Direction";
    }
}

parameters! {
    /// The new scene pushes the old one out.
    Push("push", "Push", "The new scene pushes the old one out") {
        /// Where both move.
        direction: Direction = choice(Direction::Left, "left", Direction::OPTIONS), "Direction";
    }
}

parameters! {
    /// Dark parts of a mask change first.
    LumaWipe("luma_wipe", "Luma wipe", "A shape or a picture of your own uncovers the new scene") {
        /// One that is brought along.
        shape: WipeShape = choice(WipeShape::Bar, "bar", WipeShape::OPTIONS), "Shape";
        /// A picture instead: its dark parts change first.
        path: String = file(Image), "Own picture";
        /// How soft the edge is.
        softness: f32 = number(0.1, 0.0, 1.0, 0.01, ""), "Softness";
        /// The other way round.
        invert: bool = toggle(false), "Invert";
    }
}

parameters! {
    /// A video plays over the cut.
    Stinger("stinger", "Stinger", "A video with its sound plays over the cut") {
        /// The video, or a moving WebP, PNG or GIF with transparency. Where it has none, its cut point should
        /// lie where it covers all.
        path: String = file(Video), "Video";
        /// From the video's beginning to the cut.
        cut_ms: f32 = number(500.0, 0.0, 20_000.0, 10.0, "ms"), "Cut point";
        /// What of the video lets the scenes show through.
        key: StingerKey = choice(StingerKey::Cover, "cover", StingerKey::OPTIONS), "See-through";
    }
}

choices! {
    /// What of a stinger lets the scenes show through.
    StingerKey {
        /// Nothing but the transparency that the video brings.
        Cover = "cover", "As the video has it";
        /// What is black: light and fire.
        Black = "black", "Black";
        /// What is green.
        Green = "green", "Green";
        /// By a matte in the right half of the video.
        MatteRight = "matte_right", "Matte in the right half";
        /// By a matte in the lower half of the video.
        MatteBelow = "matte_below", "Matte in the lower half";
    }
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident; )*) => {
        /// What happens in a transition.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
        #[serde(tag = "kind", content = "settings", rename_all = "snake_case")]
        pub enum TransitionKind {
            $( $(#[$doc])* $name($name), )*
        }

        impl TransitionKind {
            /// All transitions, as the interface offers them.
            pub const DESCRIBED: &'static [Described] = &[ $( $name::DESCRIBED, )* ];

            fn validate(&self) -> Result<(), Invalid> {
                match self { $( Self::$name(settings) => settings.validate(), )* }
            }
        }
    };
}

kinds! {
    /// At once.
    Cut;
    /// One scene fades into the other.
    Fade;
    /// Through a colour.
    FadeToColor;
    /// The new scene moves over the old one.
    Slide;
    /// The new scene pushes the old one out.
    Push;
    /// By the brightness of a mask.
    LumaWipe;
    /// A video plays over the cut.
    Stinger;
}

impl Transition {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        let (least, most) = DURATION;
        crate::within(
            "duration of the transition",
            self.duration_ms.into(),
            least,
            most,
        )?;
        self.kind.validate()
    }

    /// Whether it takes no time.
    pub fn is_cut(&self) -> bool {
        matches!(self.kind, TransitionKind::Cut(_))
    }

    /// What plays over it, as the document names it.
    pub fn film(&self) -> Option<&str> {
        match &self.kind {
            TransitionKind::Stinger(stinger) if !stinger.path.is_empty() => Some(&stinger.path),
            _ => None,
        }
    }

    /// The picture that it needs, as the document names it.
    pub fn file(&self) -> Option<&str> {
        match &self.kind {
            TransitionKind::LumaWipe(wipe) if !wipe.path.is_empty() => Some(&wipe.path),
            _ => None,
        }
    }
}
