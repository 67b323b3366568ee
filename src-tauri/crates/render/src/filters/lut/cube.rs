//! The `.cube` format (Adobe, Cube LUT Specification 1.0): text, one colour in a line.

/// The largest side of a table.
const MOST: usize = 65;

/// A table of colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Cube {
    side: usize,
    domain: [[f32; 3]; 2],
    /// Red runs fastest, then green, then blue.
    colors: Vec<[f32; 3]>,
}

/// Why a text is no table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CubeError {
    /// It says no size.
    #[error("it says no LUT_3D_SIZE; only three-dimensional tables can be used")]
    NoSize,
    /// A table of one dimension.
    #[error("it is a one-dimensional table; export it as a three-dimensional one")]
    Flat,
    /// The size is out of range.
    #[error("line {line}: a side of {side} is not possible; it goes from 2 to {MOST}")]
    Size {
        /// Which.
        line: usize,
        /// What it says.
        side: String,
    },
    /// A line that is none of the format.
    #[error("line {line}: \"{text}\" is no colour; three numbers are expected")]
    Line {
        /// Which.
        line: usize,
        /// Its beginning.
        text: String,
    },
    /// The domain is empty.
    #[error("its DOMAIN_MAX is not above its DOMAIN_MIN")]
    Domain,
    /// Too few or too many colours.
    #[error("it holds {found} colours, and its size needs {wanted}")]
    Count {
        /// How many there are, counted up to one too many.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
}

impl Cube {
    /// Reads the text of a `.cube` file.
    ///
    /// # Errors
    /// [`CubeError`], which names the line.
    pub fn parse(text: &str) -> Result<Self, CubeError> {
        let mut side = None;
        let mut domain = [[0.0; 3], [1.0; 3]];
        let mut colors = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim().trim_start_matches('\u{feff}');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match word {
                "TITLE" => {}
                "LUT_1D_SIZE" => return Err(CubeError::Flat),
                "LUT_3D_SIZE" => side = Some(self::side(number, rest)?),
                "DOMAIN_MIN" => domain[0] = numbers(number, rest)?,
                "DOMAIN_MAX" => domain[1] = numbers(number, rest)?,
                "LUT_3D_INPUT_RANGE" => {
                    let range: Vec<f32> = rest
                        .split_whitespace()
                        .filter_map(|word| word.parse().ok())
                        .collect();
                    let [low, high] = range[..] else {
                        return Err(odd(number, line));
                    };
                    domain = [[low; 3], [high; 3]];
                }
                _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    // Makers add words of their own.
                }
                _ => {
                    let wanted = side.ok_or(CubeError::NoSize)?.pow(3);
                    colors.push(numbers(number, line)?);
                    if colors.len() > wanted {
                        let found = colors.len();
                        return Err(CubeError::Count { found, wanted });
                    }
                }
            }
        }
        let side = side.ok_or(CubeError::NoSize)?;
        let (found, wanted) = (colors.len(), side.pow(3));
        if found != wanted {
            return Err(CubeError::Count { found, wanted });
        }
        if (0..3).any(|axis| domain[1][axis] <= domain[0][axis]) {
            return Err(CubeError::Domain);
        }
        Ok(Self {
            side,
            domain,
            colors,
        })
    }

    /// Colours along each edge.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The least and the most of red, green and blue that the table speaks of.
    pub fn domain(&self) -> [[f32; 3]; 2] {
        self.domain
    }

    /// The table as a picture, RGBA: slices of blue beside each other, red across, green down.
    pub(crate) fn picture(&self) -> Vec<u8> {
        let side = self.side;
        let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        let mut bytes = Vec::with_capacity(side.pow(3) * 4);
        for green in 0..side {
            for blue in 0..side {
                for red in 0..side {
                    let [r, g, b] = self.colors[(blue * side + green) * side + red];
                    bytes.extend([byte(r), byte(g), byte(b), 255]);
                }
            }
        }
        bytes
    }
}

fn side(line: usize, text: &str) -> Result<usize, CubeError> {
    let side = text
        .trim()
        .parse()
        .ok()
        .filter(|side| (2..=MOST).contains(side));
    side.ok_or_else(|| CubeError::Size {
        line,
        side: text.trim().chars().take(20).collect(),
    })
}

fn numbers(line: usize, text: &str) -> Result<[f32; 3], CubeError> {
    let mut words = text.split_whitespace().map(|word| word.parse::<f32>().ok());
    let mut next = || words.next().flatten().filter(|value| value.is_finite());
    match (next(), next(), next(), words.next()) {
        (Some(r), Some(g), Some(b), None) => Ok([r, g, b]),
        _ => Err(odd(line, text)),
    }
}

fn odd(line: usize, text: &str) -> CubeError {
    CubeError::Line {
        line,
        text: text.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = "TITLE \"x\"\n# a remark\nLUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n";

    #[test]
    fn a_table_is_read_and_laid_out_in_slices() {
        let cube = Cube::parse(TINY).unwrap();
        assert_eq!((cube.side(), cube.domain()), (2, [[0.0; 3], [1.0; 3]]));
        let red_and_blue: Vec<[u8; 3]> = cube
            .picture()
            .chunks(4)
            .map(|p| [p[0], p[1], p[2]])
            .collect();
        let first_row = [[0, 0, 0], [255, 0, 0], [0, 0, 255], [255, 0, 255]];
        assert_eq!(red_and_blue[..4], first_row);
    }

    #[test]
    fn what_is_no_table_is_refused_by_its_line() {
        for (text, expect) in [
            ("", "no LUT_3D_SIZE"),
            ("LUT_1D_SIZE 16\n", "one-dimensional"),
            ("LUT_3D_SIZE 1\n", "line 1: a side of 1"),
            ("LUT_3D_SIZE 9999999999999999999999\n", "a side of"),
            ("LUT_3D_SIZE 66\n", "2 to 65"),
            ("0 0 0\n", "no LUT_3D_SIZE"),
            ("LUT_3D_SIZE 2\n0 0\n", "line 2"),
            ("LUT_3D_SIZE 2\n0 0 NaN\n", "line 2"),
            ("LUT_3D_SIZE 2\n0 0 0 0\n", "line 2"),
            ("LUT_3D_SIZE 2\n0 0 0\n", "holds 1 colours"),
            (&format!("{TINY}0 0 0\n"), "holds 9 colours"),
            (&format!("{TINY}DOMAIN_MAX 0 1 1\n"), "DOMAIN_MAX"),
        ] {
            let said = Cube::parse(text).unwrap_err().to_string();
            assert!(said.contains(expect), "{text:?}: {said}");
        }
    }
}
