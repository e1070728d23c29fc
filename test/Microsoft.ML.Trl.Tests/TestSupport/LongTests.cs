
namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Tests that take minutes run only where they are asked for.</summary>
internal static class LongTests
{
    private const string Variable = "TRL_LONG_TESTS";

    /// <summary>Whether they were asked for.</summary>
    public static bool AreOn => Environment.GetEnvironmentVariable(Variable) == "1";

    /// <summary>Skips the test, visibly, unless they were.</summary>
    /// <param name="duration">How long it takes.</param>
    public static void RequireOn(string duration)
    {
        if (!AreOn)
            Assert.Inconclusive($"Takes {duration}; set {Variable}=1 in the environment to run it.");
    }
}
