using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Support;

[TestClass]
public sealed class StrictJsonTests
{
    [TestMethod]
    [DataRow("\"\\ud83d\\ude00\"", "😀")]
    [DataRow("\"\\\\ud800\"", "\\ud800")] // a backslash and four letters
    [DataRow("\"\\u0041\\n\\\"\\\\\"", "A\n\"\\")]
    public void Whole_characters_are_read(string json, string expected)
    {
        Assert.AreEqual(expected, (string?)StrictJson.Node(json));
        using JsonDocument document = StrictJson.Document(json);
        Assert.AreEqual(expected, document.RootElement.GetString());
    }

    [TestMethod]
    [DataRow("\"\\ud800\"")]
    [DataRow("\"\\udc00\"")]
    [DataRow("\"\\ud800\\ud800\"")]
    [DataRow("\"\\ud800x\\udc00\"")]
    [DataRow("{\"\\ud800\": 1}")]
    [DataRow("\"\\\\\\ud800\"")]
    public void Halves_of_characters_are_refused(string json)
    {
        Assert.Contains("half of a surrogate pair", Assert.Throws<JsonException>(() => StrictJson.Node(json)).Message);
        Assert.Throws<JsonException>(() => StrictJson.Document(json).Dispose());
    }

    [TestMethod]
    [DataRow("{\"a\": 1, \"a\": 2}")]
    [DataRow("\"\\ud8")]
    [DataRow("\"\\")]
    [DataRow("")]
    public void Other_damage_is_refused_too(string json) => Assert.Throws<JsonException>(() => StrictJson.Node(json));

    [TestMethod]
    public void An_object_is_one() => Assert.Throws<JsonException>(() => StrictJson.Object("null"));
}
