using System.Diagnostics;
using System.Globalization;
using DdpoSample;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trl;
using TorchSharp;

// A diffusion model that learns to draw shapes, and then by reinforcement, with DDPO, to draw those that a reward likes.
// usage: Ddpo [--reward brightness|classifier] [--out DIR] [--quick] [--threads N]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var ml = new MLContext(seed: 1);
ml.Trl(); // first: libtorch reads its settings while it loads
torch.set_num_threads(int.TryParse(Option("--threads"), out int threads) ? threads : Math.Min(Environment.ProcessorCount, 4));

Settings settings = args.Contains("--quick") ? Settings.Full.Shortened() : Settings.Full;
string output = Option("--out") ?? Directory.CreateTempSubdirectory("ddpo-").FullName;
string rewardName = Option("--reward") ?? "brightness";
Directory.CreateDirectory(output);
IDataView images = ml.Data.LoadFromEnumerable(ShapeData.Draw(settings.Images, seed: 1));
ImageReward reward = rewardName switch
{
    "brightness" => Ddpo.Brightness,
    "classifier" => Ddpo.Classifier(ml, images),
    _ => throw new ArgumentException($"--reward {rewardName} is not known; it is brightness or classifier."),
};

var watch = Stopwatch.StartNew();
using TransformerChain<ImageGenerationTransformer> model = Ddpo.Train(ml, images, reward, settings, new ConsoleProgress());
string zip = Path.Combine(output, "shapes.zip");
ml.Model.Save(model, images.Schema, zip);

const int each = 8;
string[] prompts = [.. ShapeData.Prompts.SelectMany(prompt => Enumerable.Repeat(prompt, each))];
var before = Ddpo.Draw((ImageGenerationTransformer)model.First(), prompts, reward);
var after = Ddpo.Draw(model.LastTransformer, prompts, reward);
PngFile.Write(Path.Combine(output, "before.png"), before.Images, each);
PngFile.Write(Path.Combine(output, "after.png"), after.Images, each);

Console.WriteLine($"\nmean {rewardName} of {each} pictures each, before and after DDPO:");
for (int i = 0; i < ShapeData.Prompts.Length; i++)
    Console.WriteLine($"  {ShapeData.Prompts[i],-13}{Mean(before.Rewards, i),7:F3}{Mean(after.Rewards, i),8:F3}");
Console.WriteLine($"  {"all",-13}{before.Rewards.Average(),7:F3}{after.Rewards.Average(),8:F3}");
float[] drawn = Ddpo.Predict(ml, zip, "large disc");
Console.WriteLine($"\na large disc by the saved model has {drawn.Count(pixel => pixel > 0.25)} of {drawn.Length} pixels that are not dark");
Console.WriteLine($"before.png, after.png and shapes.zip are in {output}; {watch.Elapsed.TotalSeconds:F0} s");

static double Mean(double[] rewards, int prompt) => rewards.Skip(prompt * each).Take(each).Average();
