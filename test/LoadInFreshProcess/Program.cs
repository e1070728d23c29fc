using Microsoft.ML;

// What an application does that was given a model file: the project references Microsoft.ML.Trl, no line of code names it.
// Reads prompts from standard input, one per line; writes one completion per line, as JSON texts.
var ml = new MLContext();
ITransformer model = ml.Model.Load(args[0], out _);
List<Question> questions = [];
while (Console.ReadLine() is { } line)
    questions.Add(new Question { Prompt = line });
IDataView answers = model.Transform(ml.Data.LoadFromEnumerable(questions));
foreach (Answer answer in ml.Data.CreateEnumerable<Answer>(answers, reuseRowObject: false, ignoreMissingColumns: true))
    Console.WriteLine(System.Text.Json.JsonSerializer.Serialize(answer.Completion));

internal sealed class Question
{
    public string Prompt { get; set; } = "";
}

internal sealed class Answer
{
    public string Completion { get; set; } = "";
}
