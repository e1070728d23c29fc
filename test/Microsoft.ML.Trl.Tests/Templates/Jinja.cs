using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>Renders small templates.</summary>
internal static class Jinja
{
    /// <summary>Limits lower than by default, so that tests that reach them are soon done.</summary>
    public const int StepLimit = 1_000_000, LengthLimit = 1_000_000;

    private const string Data = """
        {
          "s": "Hello World", "empty": "", "none": null, "yes": true, "no": false, "i": 42, "x": 2.5, "emoji": "a😀b",
          "list": [3, 1, 2], "dict": {"b": 1, "a": 2}, "spaces": "  pad \n",
          "people": [{"role": "user", "n": 1}, {"role": "system", "n": 2}, {"role": "user", "n": 3}]
        }
        """;

    /// <summary>The text of a template on the data above.</summary>
    public static string Render(string template) => Chat(template).Text;

    /// <summary>The rendering of a template on the data above.</summary>
    public static RenderedChat Chat(string template) => ChatTemplate.Parse(template).Render("[]", new ChatTemplateOptions
    {
        Variables = JsonNode.Parse(Data)!.AsObject().ToDictionary(), Clock = new FrozenClock(),
        StepLimit = StepLimit, LengthLimit = LengthLimit,
    });

    /// <summary>Checks that "{{ expression }}" is printed like this.</summary>
    public static void AssertPrints(string expression, string expected)
        => Assert.AreEqual(expected, Render("{{ " + expression + " }}"), expression);
}
