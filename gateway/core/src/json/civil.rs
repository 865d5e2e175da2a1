//! Days of the proleptic Gregorian calendar, counted from 1970-01-01.

/// Days in 400 years, after which the calendar repeats.
const DAYS_IN_ERA: i64 = 146_097;
/// From 0000-03-01, where the counting below starts, to 1970-01-01.
const EPOCH: i64 = 719_468;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
}

impl Date {
    /// The number of the day; `None` if the date does not exist.
    pub(super) fn to_days(self) -> Option<i64> {
        // Years start in March here, so that the leap day is the last day of a year.
        let year = if self.month > 2 { self.year } else { self.year - 1 };
        let month = (self.month + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = 365 * year + leap_days + day_of_year - EPOCH;
        (Self::from_days(days) == self).then_some(days)
    }

    /// The day with that number.
    pub(super) const fn from_days(days: i64) -> Self {
        let days = days + EPOCH;
        let era = days.div_euclid(DAYS_IN_ERA);
        let day_of_era = days.rem_euclid(DAYS_IN_ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (DAYS_IN_ERA - 1)) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
        Self { year: year + year_of_era + 400 * era, month, day }
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn every_day_from_the_year_1_to_9999_survives_a_round_trip() {
        let first = Date { year: 1, month: 1, day: 1 }.to_days().unwrap();
        let last = Date { year: 9999, month: 12, day: 31 }.to_days().unwrap();
        assert_eq!((first, last), (-719_162, 2_932_896));
        for days in first..=last {
            assert_eq!(Date::from_days(days).to_days(), Some(days));
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_rejected() {
        for (year, month, day) in
            [(2026, 2, 29), (1900, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0)]
        {
            assert_eq!(Date { year, month, day }.to_days(), None, "{year}-{month}-{day}");
        }
        assert!(Date { year: 2000, month: 2, day: 29 }.to_days().is_some());
    }
}
