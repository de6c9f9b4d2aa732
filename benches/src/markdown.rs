//! Figures as Markdown.

/// Prints the head of a table whose first `text` columns are text.
pub fn head(columns: &[&str], text: usize) {
    println!("| {} |", columns.join(" | "));
    let rule = |at| if at < text { "---|" } else { "---:|" };
    println!("|{}", (0..columns.len()).map(rule).collect::<String>());
}

pub fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

pub fn time(ns: f64) -> String {
    match ns {
        _ if ns < 100.0 => format!("{ns:.1} ns"),
        _ if ns < 1000.0 => format!("{ns:.0} ns"),
        _ => format!("{:.2} µs", ns / 1000.0),
    }
}

pub fn ratio(of: f64, to: f64) -> String {
    format!("{:.2}", of / to)
}

pub fn bytes(len: usize) -> String {
    let digits = len.to_string();
    match digits.len() {
        ..=3 => digits,
        at => format!("{},{}", &digits[..at - 3], &digits[at - 3..]),
    }
}

/// Prints whether all meet a target, and which do not.
pub fn verdict(target: &str, missed: &[String]) {
    match missed {
        [] => println!("\nTarget, {target}: met."),
        _ => println!("\nTarget, {target}: missed by {}.", missed.join("; ")),
    }
}
