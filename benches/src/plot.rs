//! The plot: nanoseconds per frame by bytes of payload, both axes logarithmic, as SVG.

use core::fmt::Write as _;

use crate::markdown::bytes;

/// A panel: a direction, and its lines.
pub struct Panel {
    pub name: &'static str,
    pub lines: Vec<Line>,
}

/// One contestant's nanoseconds at each length.
pub struct Line {
    pub name: String,
    pub dash: Dash,
    pub points: Vec<(usize, f64)>,
}

/// The style of a line; its colour depends on the library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dash {
    /// Sealframe.
    Bold,
    /// The AEAD alone.
    Dashed,
    /// The `sframe` crate.
    Dotted,
}

const PANEL: (f64, f64) = (430.0, 400.0);
const MARGIN: (f64, f64) = (64.0, 64.0);
const LEGEND_COLUMNS: usize = 3;
const LEGEND_ROW: f64 = 22.0;

/// The drawing of all panels side by side, with one legend below.
pub fn svg(title: &str, panels: &[Panel]) -> String {
    let points = || panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
    let lens: Vec<usize> = panels[0].lines[0].points.iter().map(|point| point.0).collect();
    let (x_range, y_range) =
        (range(points().map(|p| scale(p.0))), range(points().map(|p| p.1.log10())));
    let names = &panels[0].lines;
    let width = MARGIN.0 + panels.iter().map(|_| PANEL.0 + MARGIN.0).sum::<f64>();
    let rows = names.len().div_ceil(LEGEND_COLUMNS);
    let height = MARGIN.1 + PANEL.1 + 64.0 + offset(rows, LEGEND_ROW);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{}\" y=\"24\" font-size=\"16\">{}</text>\n",
        MARGIN.0,
        escaped(title)
    );
    for (place, panel) in panels.iter().enumerate() {
        let left = MARGIN.0 + offset(place, PANEL.0 + MARGIN.0);
        let x = |len: usize| left + PANEL.0 * share(scale(len), x_range);
        let y = |ns: f64| MARGIN.1 + PANEL.1 * (1.0 - share(ns.log10(), y_range));
        grid(&mut out, panel.name, left, &lens, y_range, x, y);
        for line in &panel.lines {
            draw(&mut out, line, x, y);
        }
    }
    for (at, line) in names.iter().enumerate() {
        let column = (width - 2.0 * MARGIN.0) / offset(LEGEND_COLUMNS, 1.0);
        let left = MARGIN.0 + offset(at / rows, column);
        let top = MARGIN.1 + PANEL.1 + 60.0 + offset(at % rows, LEGEND_ROW);
        let sample = [(left, top), (left + 20.0, top), (left + 40.0, top)];
        path(&mut out, line, &sample);
        text(&mut out, left + 48.0, top + 4.0, "start", &line.name);
    }
    out.push_str("</svg>\n");
    out
}

fn grid(
    out: &mut String,
    name: &str,
    left: f64,
    lens: &[usize],
    (low, high): (f64, f64),
    x: impl Fn(usize) -> f64,
    y: impl Fn(f64) -> f64,
) {
    let (right, bottom) = (left + PANEL.0, MARGIN.1 + PANEL.1);
    text(out, left, MARGIN.1 - 10.0, "start", &format!("{name}: time a frame by payload"));
    for &len in lens {
        rule(out, (x(len), MARGIN.1), (x(len), bottom), "#e4e4e4");
        text(out, x(len), bottom + 18.0, "middle", &format!("{} B", bytes(len)));
    }
    let ticks = (0..7).flat_map(|decade| [1.0, 2.0, 5.0].map(|n| n * 10_f64.powi(decade)));
    for ns in ticks.filter(|ns| (low..=high).contains(&ns.log10())) {
        let major = ns.log10().fract() == 0.0;
        rule(out, (left, y(ns)), (right, y(ns)), if major { "#bbb" } else { "#e4e4e4" });
        let label = if ns < 1000.0 { format!("{ns} ns") } else { format!("{} µs", ns / 1000.0) };
        text(out, left - 6.0, y(ns) + 4.0, "end", &label);
    }
}

fn draw(out: &mut String, line: &Line, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
    let points: Vec<(f64, f64)> = line.points.iter().map(|&(len, ns)| (x(len), y(ns))).collect();
    path(out, line, &points);
}

fn path(out: &mut String, line: &Line, points: &[(f64, f64)]) {
    let colour = colour(&line.name);
    let (width, dash) = match line.dash {
        Dash::Bold => (2.6, "none"),
        Dash::Dashed => (1.6, "6 4"),
        Dash::Dotted => (1.8, "2 3"),
    };
    let joined: String = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
         stroke-dasharray=\"{dash}\"/>",
        joined.trim_end()
    );
    for (x, y) in points {
        let _ = match line.dash {
            Dash::Bold => {
                writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.6\" fill=\"{colour}\"/>")
            }
            Dash::Dashed => writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#fff\" stroke=\"{colour}\"/>"
            ),
            Dash::Dotted => writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\" fill=\"{colour}\"/>",
                x - 3.0,
                y - 3.0
            ),
        };
    }
}

/// Okabe and Ito's colours, which most colour-blind people can tell apart; one for each library.
fn colour(name: &str) -> &'static str {
    match name {
        _ if name.ends_with("default") => "#d55e00",
        _ if name.contains("sframe crate") => "#e69f00",
        _ if name.contains("aws-lc") => "#009e73",
        _ if name.contains("ring") => "#0072b2",
        _ if name.contains("aes-gcm") => "#cc79a7",
        _ => "#000",
    }
}

fn rule(out: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let _ = writeln!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(words)
    );
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}

fn scale(len: usize) -> f64 {
    crate::turns::as_f64(len).log10()
}

fn offset(count: usize, step: f64) -> f64 {
    crate::turns::as_f64(count) * step
}

/// From the minimum to the maximum, with some margin.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    (low - 0.05, high + 0.05)
}

fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    (value - low) / (high - low)
}
