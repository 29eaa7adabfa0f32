//! Amounts as the standard protocol writes them. The adapter has its own code for this, and the simulator shares none
//! of it.

fn places(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

pub(in crate::gateway) fn write(amount: i64, currency: &str) -> String {
    let places = places(currency);
    let unit = 10_i64.pow(places);
    match places {
        0 => amount.to_string(),
        _ => format!("{}.{:0width$}", amount / unit, amount % unit, width = places as usize),
    }
}

pub(in crate::gateway) fn read(text: &str, currency: &str) -> Option<i64> {
    let places = places(currency) as usize;
    let (whole, part) = if places == 0 { (text, "") } else { text.split_once('.')? };
    let amount = format!("{whole}{part}").parse().ok()?;
    (part.len() == places && text == write(amount, currency)).then_some(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for (amount, currency, text) in [
            (12_500, "EUR", "125.00"),
            (7, "USD", "0.07"),
            (500, "JPY", "500"),
            (1, "KWD", "0.001"),
            (1, "CLF", "0.0001"),
        ] {
            assert_eq!(write(amount, currency), text);
            assert_eq!(read(text, currency), Some(amount));
        }
        for text in ["1", "1.0", "1.000", "01.00", "+1.00", "1.-1"] {
            assert_eq!(read(text, "EUR"), None, "{text}");
        }
    }
}
