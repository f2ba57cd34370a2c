//! Three-valued logic over sets: what a condition can be.

/// Which of true, false and null a condition can be for the rows of a file.
///
/// The set may be too large, never too small. So a file may go exactly when its set lacks true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Truth {
    pub(super) can_be_true: bool,
    pub(super) can_be_false: bool,
    pub(super) can_be_null: bool,
}

impl Truth {
    pub(super) const ANY: Self = Self { can_be_true: true, can_be_false: true, can_be_null: true };
    pub(super) const NULL: Self = Self { can_be_true: false, can_be_false: false, can_be_null: true };

    pub(super) fn of(value: bool) -> Self {
        Self { can_be_true: value, can_be_false: !value, can_be_null: false }
    }

    /// SQL's NOT.
    pub(super) fn negated(self) -> Self {
        Self { can_be_true: self.can_be_false, can_be_false: self.can_be_true, can_be_null: self.can_be_null }
    }

    /// SQL's AND.
    pub(super) fn and(self, other: Self) -> Self {
        let null_beside = |one: Self, two: Self| one.can_be_null && (two.can_be_true || two.can_be_null);
        Self {
            can_be_true: self.can_be_true && other.can_be_true,
            can_be_false: self.can_be_false || other.can_be_false,
            can_be_null: null_beside(self, other) || null_beside(other, self),
        }
    }

    /// SQL's OR.
    pub(super) fn or(self, other: Self) -> Self {
        self.negated().and(other.negated()).negated()
    }

    /// Whether the condition is true whatever row is looked at.
    pub(super) fn is_certain(self) -> bool {
        self.can_be_true && !self.can_be_false && !self.can_be_null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets() -> Vec<(Truth, Vec<Option<bool>>)> {
        (1..8_u8)
            .map(|bits| {
                let has = |bit: u8| bits & bit != 0;
                let set = Truth { can_be_true: has(1), can_be_false: has(2), can_be_null: has(4) };
                let members = [(1, Some(true)), (2, Some(false)), (4, None)];
                (set, members.into_iter().filter(|&(bit, _)| has(bit)).map(|(_, member)| member).collect())
            })
            .collect()
    }

    fn and(one: Option<bool>, two: Option<bool>) -> Option<bool> {
        match (one, two) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }
    }

    fn holds(set: Truth, member: Option<bool>) -> bool {
        match member {
            Some(true) => set.can_be_true,
            Some(false) => set.can_be_false,
            None => set.can_be_null,
        }
    }

    #[test]
    fn sets_hold_exactly_what_their_members_can_give() {
        let not = |member: Option<bool>| member.map(|value| !value);
        for (one, ones) in sets() {
            for (two, twos) in sets() {
                for result in [Some(true), Some(false), None] {
                    let pairs = || ones.iter().flat_map(|&a| twos.iter().map(move |&b| (a, b)));
                    assert_eq!(holds(one.and(two), result), pairs().any(|(a, b)| and(a, b) == result));
                    let or = |(a, b)| not(and(not(a), not(b)));
                    assert_eq!(holds(one.or(two), result), pairs().any(|pair| or(pair) == result));
                    assert_eq!(holds(one.negated(), result), ones.iter().any(|&a| not(a) == result));
                }
            }
        }
    }
}
