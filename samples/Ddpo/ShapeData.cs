namespace DdpoSample;

/// <summary>A picture of a shape.</summary>
internal sealed class ShapeImage
{
    /// <summary>What it shows, such as <c>small disc</c>.</summary>
    public string Prompt { get; set; } = "";

    /// <summary>Rows of grey pixels in [0, 1].</summary>
    [Microsoft.ML.Data.VectorType(ShapeData.Side * ShapeData.Side)]
    public float[] Image { get; set; } = [];

    /// <summary>Whether it is large.</summary>
    public bool Label { get; set; }
}

/// <summary>Draws the pictures that the model learns from.</summary>
internal static class ShapeData
{
    /// <summary>Pixels of a row, and rows.</summary>
    public const int Side = 16;

    /// <summary>What there is.</summary>
    public static string[] Prompts { get; } =
        [.. new[] { "small", "large" }.SelectMany(_ => new[] { "square", "disc", "cross" }, (size, shape) => $"{size} {shape}")];

    /// <summary>So many pictures, each prompt in turn, at places and of greys of chance.</summary>
    public static ShapeImage[] Draw(int count, int seed)
    {
        var chance = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(number => Draw(Prompts[number % Prompts.Length], chance))];
    }

    private static ShapeImage Draw(string prompt, Random chance)
    {
        bool isLarge = prompt.StartsWith("large", StringComparison.Ordinal);
        double radius = isLarge ? 4.5 + chance.NextDouble() : 2 + chance.NextDouble();
        double place() => radius + (chance.NextDouble() * (Side - 1 - (2 * radius)));
        double x = place(), y = place();
        float grey = 0.35f + (0.3f * chance.NextSingle());
        float[] image = new float[Side * Side];
        for (int row = 0; row < Side; row++)
            for (int column = 0; column < Side; column++)
                if (IsInside(prompt, column - x, row - y, radius))
                    image[(row * Side) + column] = grey;
        return new ShapeImage { Prompt = prompt, Image = image, Label = isLarge };
    }

    private static bool IsInside(string prompt, double x, double y, double radius) => prompt.Split(' ')[1] switch
    {
        "disc" => (x * x) + (y * y) <= radius * radius,
        "cross" => Math.Min(Math.Abs(x), Math.Abs(y)) <= radius / 4 && Math.Max(Math.Abs(x), Math.Abs(y)) <= radius,
        _ => Math.Max(Math.Abs(x), Math.Abs(y)) <= radius,
    };
}
