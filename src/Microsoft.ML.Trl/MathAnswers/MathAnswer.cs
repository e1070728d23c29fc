namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>An answer as it is compared.</summary>
/// <param name="Text">In one notation, without blanks.</param>
internal abstract record MathAnswer(string Text)
{
    /// <summary>Whether an answer is the same as this one, which is the solution.</summary>
    public bool IsSame(MathAnswer answer) => Text == answer.Text || Matches(answer);

    /// <summary>Whether it was understood, rather than kept as text.</summary>
    public virtual bool IsRead => true;

    private protected abstract bool Matches(MathAnswer answer);

    /// <summary>Whether two lists have the same members in any order.</summary>
    private protected static bool SameSet(IReadOnlyList<MathAnswer> ours, IReadOnlyList<MathAnswer> theirs)
    {
        if (ours.Count != theirs.Count)
            return false;
        List<MathAnswer> left = [.. theirs];
        return ours.All(our => left.FindIndex(our.IsSame) is >= 0 and var place && Removed(left, place));
    }

    private static bool Removed(List<MathAnswer> list, int place)
    {
        list.RemoveAt(place);
        return true;
    }
}

/// <summary>What was not understood.</summary>
internal sealed record TextAnswer(string Text) : MathAnswer(Text)
{
    public override bool IsRead => false;

    private protected override bool Matches(MathAnswer answer) => false;
}

/// <summary>An expression; where it was assigned to a name, that name too.</summary>
internal sealed record ValueAnswer(string Text, MathValue Value, string? Name) : MathAnswer(Text)
{
    /// <summary>A percentage may be given without its sign where the solution has it, as in TRL.</summary>
    private protected override bool Matches(MathAnswer answer) => answer switch
    {
        ValueAnswer other => (Name is null || other.Name is null || Name == other.Name)
            && (Value.Equal(other.Value) || (other.Value.Percent is null && Value.Percent?.Equal(other.Value) == true)),
        RelationAnswer relation => AsRelation() is { } own && own.IsSame(relation),
        _ => false,
    };

    /// <summary>The assignment as an equation; null without a name.</summary>
    public RelationAnswer? AsRelation() =>
        Name is null ? null : new RelationAnswer(Text, [("=", MathValue.Variable(Name) - Value)]);
}

/// <summary>Equations and inequalities, each as what is 0, below 0, at most 0 or not 0.</summary>
internal sealed record RelationAnswer(string Text, IReadOnlyList<(string Sign, MathValue Difference)> Parts) : MathAnswer(Text)
{
    private protected override bool Matches(MathAnswer answer)
    {
        RelationAnswer? other = answer as RelationAnswer ?? (answer as ValueAnswer)?.AsRelation();
        return other is not null && Parts.Count == other.Parts.Count && Parts.All(part => other.Parts.Any(each =>
            each.Sign == part.Sign && part.Difference.IsMultipleOf(each.Difference, isPositive: part.Sign is "<" or "≤")));
    }
}

/// <summary>Members in any order: a set, or a list without brackets.</summary>
internal sealed record SetAnswer(string Text, IReadOnlyList<MathAnswer> Members) : MathAnswer(Text)
{
    private protected override bool Matches(MathAnswer answer) => answer switch
    {
        SetAnswer other => SameSet(Members, other.Members),
        SequenceAnswer { IsPlain: true } other => other.SameOrder(Members),
        _ when Members.Count == 1 => Members[0].IsSame(answer),
        _ => false,
    };
}

/// <summary>Members in their order in brackets: a tuple, or an interval.</summary>
internal sealed record SequenceAnswer(string Text, char Open, char Close, IReadOnlyList<MathAnswer> Members) : MathAnswer(Text)
{
    public bool IsPlain => (Open, Close) == ('(', ')');

    public bool SameOrder(IReadOnlyList<MathAnswer> members) =>
        Members.Count == members.Count && Members.Zip(members).All(pair => pair.First.IsSame(pair.Second));

    private protected override bool Matches(MathAnswer answer) => answer switch
    {
        SequenceAnswer other => (Open, Close) == (other.Open, other.Close) && SameOrder(other.Members),
        SetAnswer other => IsPlain && SameOrder(other.Members),
        _ => false,
    };
}

/// <summary>Intervals or sets that are joined.</summary>
internal sealed record UnionAnswer(string Text, IReadOnlyList<MathAnswer> Parts) : MathAnswer(Text)
{
    private protected override bool Matches(MathAnswer answer) => answer is UnionAnswer other && SameSet(Parts, other.Parts);
}
