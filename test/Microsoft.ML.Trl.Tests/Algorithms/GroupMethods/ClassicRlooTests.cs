using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>The settings of TRL v0.11.4's RLOOConfig.</summary>
[TestClass]
public sealed class ClassicRlooTests
{
    [TestMethod]
    public void The_preset_has_the_numbers_of_the_time_and_survives_JSON()
    {
        RlooOptions classic = RlooOptions.Classic.Validated();
        Assert.AreEqual((2, 4, 0.05, 0.2), (classic.NumGenerations, classic.NumIterations, classic.Beta, classic.Epsilon));
        Assert.AreEqual((53, 0.7), (classic.Generation.MaxNewTokens, classic.Generation.Temperature));
        string json = JsonSerializer.Serialize(classic);
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<RlooOptions>(json)));
        Assert.IsEmpty(classic.WithoutEffect());
    }
}
