namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>
/// Whatever a caller does wrong is refused where it enters, by an exception that the documentation names, in words that help.
/// </summary>
[TestClass]
public sealed class BadInputTests
{
    private const int Fewest = 500;

    public static IEnumerable<object[]> Areas => BadInputTable.Areas.Keys.Select(area => new object[] { area });

    [TestMethod]
    [DynamicData(nameof(Areas))]
    public void Each_bad_input_is_refused_by_name(string area) => AssertNone(BadInputTable.Of(area).Select(input => input.Fault()));

    [TestMethod]
    [DynamicData(nameof(Areas))]
    public void Each_exception_is_named_in_the_documentation(string area) =>
        AssertNone(BadInputTable.Of(area).Select(ExceptionDocs.Lacking));

    [TestMethod]
    public void There_are_five_hundred_different_ones()
    {
        BadInput[] all = [.. BadInputTable.Areas.Keys.SelectMany(BadInputTable.Of)];
        Assert.IsGreaterThanOrEqualTo(Fewest, all.Length);
        AssertNone(all.GroupBy(input => input.ToString()).Where(group => group.Count() > 1).Select(group => $"twice: {group.Key}"));
    }

    [TestMethod]
    public void Every_public_entry_is_given_some()
    {
        HashSet<string> tried = [.. BadInputTable.Areas.Keys.SelectMany(BadInputTable.Of).Select(input => input.Member.Split('(')[0])];
        AssertNone(PublicEntries.All().Except(tried).Except(PublicEntries.AcceptAnything));
        AssertNone(PublicEntries.AcceptAnything.Except(PublicEntries.All()).Select(entry => entry + " is no entry any more"));
    }

    [TestMethod]
    public void No_bad_input_ends_the_process()
    {
        if (Environment.GetEnvironmentVariable("TRL_LONG_TESTS") != "1")
            Assert.Inconclusive("Skipped: it runs the table in child processes, which takes some seconds; TRL_LONG_TESTS=1 turns it on.");
        AssertNone(BadInputTable.Areas.Keys.SelectMany(ChildProcess.Faults));
    }

    private static void AssertNone(IEnumerable<string?> faults)
    {
        string[] found = [.. faults.OfType<string>().Distinct()];
        Assert.IsEmpty(found, string.Join('\n', found));
    }
}
