//! Histograms in Prometheus' text format (exposition format 0.0.4), as its client would write them.

use media::Counted;

/// Writes a counter of fractions, which the recorder does not have.
pub(super) fn counter(text: &mut String, name: &str, help: &str, value: f64) {
    text.push_str(&format!(
        "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n\n"
    ));
}

/// Writes one histogram: each of its series has its labels, as `class="api"`, or none.
pub(super) fn histogram(text: &mut String, name: &str, help: &str, series: &[(&str, Counted)]) {
    let mut line = |line: std::fmt::Arguments<'_>| {
        text.push_str(&line.to_string());
        text.push('\n');
    };
    line(format_args!("# HELP {name} {help}"));
    line(format_args!("# TYPE {name} histogram"));
    for (labels, counted) in series {
        let comma = if labels.is_empty() { "" } else { "," };
        for (bound, count) in &counted.buckets {
            line(format_args!(
                "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}"
            ));
        }
        let all = counted.count;
        line(format_args!(
            "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {all}"
        ));
        let braced = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        let sum = counted.sum.as_secs_f64();
        line(format_args!("{name}_sum{braced} {sum}"));
        line(format_args!("{name}_count{braced} {all}"));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_histogram_with_and_without_labels() {
        let counted = Counted {
            buckets: vec![(0.001, 1), (10.0, 2)],
            sum: Duration::from_millis(2500),
            count: 3,
        };
        let mut text = String::new();
        let series = [("", counted.clone()), ("class=\"api\"", counted)];
        histogram(&mut text, "klieg_x_seconds", "How long.", &series);
        let expect = "\
# HELP klieg_x_seconds How long.
# TYPE klieg_x_seconds histogram
klieg_x_seconds_bucket{le=\"0.001\"} 1
klieg_x_seconds_bucket{le=\"10\"} 2
klieg_x_seconds_bucket{le=\"+Inf\"} 3
klieg_x_seconds_sum 2.5
klieg_x_seconds_count 3
klieg_x_seconds_bucket{class=\"api\",le=\"0.001\"} 1
klieg_x_seconds_bucket{class=\"api\",le=\"10\"} 2
klieg_x_seconds_bucket{class=\"api\",le=\"+Inf\"} 3
klieg_x_seconds_sum{class=\"api\"} 2.5
klieg_x_seconds_count{class=\"api\"} 3

";
        assert_eq!(text, expect);
    }
}
