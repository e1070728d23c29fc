namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What rewards are called in metrics.</summary>
internal static class RewardNames
{
    private const string Nameless = "reward", LocalFunction = ">g__"; // the compiler calls a local function <Outer>g__Name|0_1

    /// <summary>The name of a method or local function; <c>reward</c> of a lambda.</summary>
    public static string Of(Delegate function)
    {
        string name = function.Method.Name;
        if (!name.StartsWith('<'))
            return name;
        int start = name.IndexOf(LocalFunction, StringComparison.Ordinal) + LocalFunction.Length, end = name.IndexOf('|');
        return start >= LocalFunction.Length && end > start ? name[start..end] : Nameless;
    }

    /// <summary>Names of which no two are equal: each of those that are gets its number among them, from 1.</summary>
    public static string[] Unique(IReadOnlyList<string> names)
    {
        HashSet<string> taken = [.. names.GroupBy(name => name).Where(same => same.Count() == 1).Select(same => same.Key)];
        return
        [
            .. names.Select(name => taken.Contains(name) ? name : Enumerable.Range(1, int.MaxValue - 1)
                .Select(number => FormattableString.Invariant($"{name}_{number}")).First(taken.Add)),
        ];
    }
}
