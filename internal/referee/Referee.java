import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.parser.DataFormatException;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Holds resources against FHIR R4 with HL7's own validator, and against the profiles and terminology in the folders that are
 * named, as XML. A resource a line comes in, as JSON or XML; for each, one line goes out for every error, as "place: what is wrong",
 * and then a line with a full stop.
 */
public class Referee {
  public static void main(String[] args) throws Exception {
    FhirContext r4 = FhirContext.forR4();
    FhirInstanceValidator rules = new FhirInstanceValidator(new ValidationSupportChain(new DefaultProfileValidationSupport(r4), given(r4, args),
        new CommonCodeSystemsTerminologyService(r4), new InMemoryTerminologyServerValidationSupport(r4), new SnapshotGeneratingValidationSupport(r4)));
    rules.setAnyExtensionsAllowed(true);
    rules.setErrorForUnknownProfiles(false);
    FhirValidator validator = r4.newValidator().registerValidatorModule(rules);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null; ) {
      try {
        for (SingleValidationMessage m : validator.validateWithResult(line).getMessages()) {
          if (m.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0) {
            System.out.println(m.getLocationString() + ": " + m.getMessage().replaceAll("\\s+", " "));
          }
        }
      } catch (RuntimeException e) {
        System.out.println("fatal: " + e.getClass().getSimpleName());
      }
      System.out.println(".");
    }
  }

  /** The profiles and terminology of folders. What can't be read as such is passed over: a guide's folder may have more. */
  private static PrePopulatedValidationSupport given(FhirContext r4, String[] folders) throws IOException {
    PrePopulatedValidationSupport out = new PrePopulatedValidationSupport(r4);
    for (String folder : folders) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of(folder), "*.xml")) {
        for (Path file : files) {
          try {
            out.addResource(r4.newXmlParser().parseResource(Files.readString(file)));
          } catch (DataFormatException e) {
            System.err.println(file + " can't be read");
          }
        }
      }
    }
    return out;
  }
}
